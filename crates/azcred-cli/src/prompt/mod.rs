//! The prompts for a person who signs in, on standard error: what to do, how much time is left.
//! They disappear at the end.

pub(crate) mod line;
pub(crate) mod secret;

use crate::output::{
    Clipboard, HiddenSpinner, Screen, UnseenControlKeys,
    device_code::{self, Shown, link},
    door,
    style::{GOOD, WARN, paint, with_code},
    wrap::wrap,
};
use azcred::{DeviceCode, Notice, Prompt, printable};
use base64::{Engine, engine::general_purpose::STANDARD};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};
use url::Url;

/// The terminal of the user.
#[derive(Default)]
pub(crate) struct TerminalPrompt {
    plain: bool,
    screen: OnScreen,
    /// A notice that is about to be shown, but first waits for another program.
    asking: Mutex<Option<JoinHandle<()>>>,
    has_asked: AtomicBool,
    /// Whether it says first why it prompts.
    announces: bool,
    has_announced: AtomicBool,
}

/// What is on the screen. Clones share it.
#[derive(Clone, Default)]
struct OnScreen {
    live: Arc<Mutex<Option<Live>>>,
}

impl TerminalPrompt {
    /// A prompt that never redraws: only lines of text.
    pub(crate) fn plain() -> Self {
        Self {
            plain: true,
            ..Self::default()
        }
    }

    /// A prompt for commands other than `login`: it says first why it prompts.
    pub(crate) fn announcing() -> Self {
        Self {
            announces: true,
            ..Self::default()
        }
    }

    /// Shows the identity of the token after a prompt: for a sign-in on another computer, nothing
    /// else shows it.
    pub(crate) fn signed_in(&self, who: &str) {
        if self.has_asked.load(Ordering::Relaxed) {
            self.settle();
            let who = printable(who, 128);
            self.screen
                .say(&[format!("{} Signed in as {who}", paint(GOOD, "✓"))]);
        }
    }

    /// Does what waits for another program in a separate thread. This thread must serve the
    /// browser's response.
    fn aside(&self, does: impl Fn() + Clone + Send + 'static) {
        let thread = thread::Builder::new().name("prompt".to_owned());
        match thread.spawn(does.clone()) {
            Ok(thread) => *held(&self.asking) = Some(thread),
            Err(_) => does(),
        }
    }

    /// Waits for that thread, so that the next notice comes after its notice.
    fn settle(&self) {
        let asking = held(&self.asking).take();
        if let Some(thread) = asking {
            // If the thread failed, its notice is not shown.
            let _ = thread.join();
        }
    }
}

impl OnScreen {
    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        held(&self.live)
    }

    /// Writes lines above the redrawn line.
    fn say(&self, lines: &[String]) {
        let text = lines.join("\n");
        // If standard error is closed, nothing else can be done.
        self.write(|| {
            let _ = door::stderr().line(&text);
        });
    }

    /// Writes lines that link to an address.
    fn link(&self, lines: &[String], address: &Url) {
        let text = format!("{}\n", lines.join("\n"));
        self.write(|| {
            let _ = door::stderr().linking(&text, address);
        });
    }

    fn write(&self, write: impl Fn()) {
        match self.live().as_ref().and_then(|live| live.bar.as_ref()) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Shows that the program waits, if a line can be redrawn.
    fn wait(&self, at: Screen, words: &'static str, until: Option<SystemTime>) {
        let mut live = self.live();
        // First, the earlier line is removed.
        *live = None;
        *live = Some(Live::new(at, words, until));
    }

    fn code(&self, device: &DeviceCode, at: Screen) {
        let until = device.expires_on;
        let code = printable(&device.user_code, LONGEST_CODE);
        let shown = Shown {
            copied: at.clipboard.takes() && copy(&code),
            code: &code,
            address: device.verification_uri.as_str(),
            complete: device.verification_uri_complete.as_ref().map(Url::as_str),
        };
        if at.is_rich {
            let lines = spaced(device_code::rich(&shown, at));
            self.link(&lines, &device.verification_uri);
        } else {
            let mut lines = device_code::plain(&shown, at.columns);
            let left = minutes(until);
            lines.push(format!(
                "The code expires in {left}. Waiting; Ctrl-C ends it."
            ));
            self.say(&lines);
        }
        self.wait(at, "Waiting for you to sign in", Some(until));
    }

    fn browser(&self, url: &Url, until: SystemTime, at: Screen) {
        if at.is_rich {
            let mut lines = Vec::new();
            let words = "A browser has opened: sign in there, and come back. If no browser opened, open this address on this computer, or \
                         press Ctrl-C and run `azcred login --device-code`:";
            lines.extend(
                wrap(words, (at.columns - 2).min(100))
                    .iter()
                    .map(|line| format!("  {}", with_code(line))),
            );
            lines.push(String::new());
            // This line is never broken, so that it can be copied.
            lines.push(link(url.as_str(), at));
            self.link(&spaced(lines), url);
        } else {
            self.say(&[
                "A browser has opened: sign in there, and come back. If no browser opened, open this address on this computer:".to_owned(),
                url.to_string(),
                format!("Waiting for {}; Ctrl-C ends it.", minutes(until)),
            ]);
        }
        self.wait(at, "Waiting for the browser", Some(until));
    }
}

/// Why the program prompts.
const ANNOUNCEMENT: &str = "No account was found that can get this token. Sign in to go on.";

/// The longest code that is shown. Real codes are shorter.
const LONGEST_CODE: usize = 64;

impl Prompt for TerminalPrompt {
    fn show(&self, notice: &Notice<'_>) {
        self.settle();
        let screen = self.screen.clone();
        let at = Screen::of_stderr(self.plain);
        let width = at.columns.min(100);
        let asks = matches!(
            notice,
            Notice::Browser { .. } | Notice::DeviceCode(_) | Notice::AnotherProcess
        );
        let asks_first = asks || matches!(notice, Notice::NoBrowser { .. });
        if self.announces && asks_first && !self.has_announced.fetch_or(true, Ordering::Relaxed) {
            screen.say(&wrap(ANNOUNCEMENT, width));
        }
        self.has_asked.fetch_or(asks, Ordering::Relaxed);
        match notice {
            Notice::Browser { url, until } => screen.browser(url, *until, at),
            Notice::DeviceCode(code) => {
                let code = (*code).clone();
                let show = move || screen.code(&code, at);
                match at.clipboard {
                    Clipboard::Tmux => self.aside(show),
                    Clipboard::None | Clipboard::Terminal => show(),
                }
            }
            Notice::NoBrowser { why } => {
                let why = printable(why, 300);
                let words = format!(
                    "No browser can be opened here: {why}. You can sign in with a code instead."
                );
                screen.say(&wrap(&words, width));
            }
            Notice::Strange { what } => {
                let words = format!(
                    "note: something that is not your sign-in connected to this computer's port and was rejected: {}. Still waiting.",
                    printable(what, 300)
                );
                let mut lines = wrap(&words, width);
                if let Some(rest) = lines[0].strip_prefix("note:") {
                    lines[0] = format!("{}{rest}", paint(WARN, "note:"));
                }
                screen.say(&lines);
            }
            Notice::AnotherProcess => {
                if !at.is_rich {
                    screen.say(&[
                        "A sign-in is under way in another window; waiting for that.".to_owned(),
                    ]);
                }
                screen.wait(at, "Waiting for the sign-in in another window", None);
            }
            Notice::Over => *screen.live() = None,
            // A notice of a later version, which has no text here.
            _ => {}
        }
    }
}

impl fmt::Debug for TerminalPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalPrompt")
            .field("plain", &self.plain)
            .finish_non_exhaustive()
    }
}

/// No change under these locks can be half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The line that is redrawn while the program waits, if the terminal allows it. It disappears when
/// it is dropped. Nothing else is drawn meanwhile.
struct Live {
    bar: Option<ProgressBar>,
    _alone: HiddenSpinner,
    _unseen: Option<UnseenControlKeys>,
}

/// The countdown changes every second.
const TICK: Duration = Duration::from_millis(120);
/// On a narrower screen, the words are left out.
const WORDY: usize = 64;

impl Live {
    fn new(at: Screen, words: &'static str, until: Option<SystemTime>) -> Self {
        let alone = HiddenSpinner::hide();
        if !at.is_rich {
            return Self {
                bar: None,
                _alone: alone,
                _unseen: None,
            };
        }
        // This comes before anything is drawn.
        let unseen = UnseenControlKeys::new();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let words = if at.columns < WORDY { "Waiting" } else { words };
        let template = match until {
            Some(_) => "{spinner:.cyan} {msg}, {left:.bold} left; Ctrl-C ends it",
            None => "{spinner:.cyan} {msg}; Ctrl-C ends it",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key(
                "left",
                move |_: &ProgressState, line: &mut dyn fmt::Write| {
                    let _ = line.write_str(&until.map(clock).unwrap_or_default());
                },
            ));
        }
        bar.set_message(words);
        bar.enable_steady_tick(TICK);
        Self {
            bar: Some(bar),
            _alone: alone,
            _unseen: Some(unseen),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The time left: `14:59`.
fn clock(until: SystemTime) -> String {
    let left = seconds(until);
    format!("{}:{:02}", left / 60, left % 60)
}

/// The time left, for text that does not change: `15 minutes`.
fn minutes(until: SystemTime) -> String {
    match seconds(until) {
        left @ ..90 => format!("{left} seconds"),
        left => format!("{} minutes", (left + 30) / 60),
    }
}

/// Rounded to the nearest second, so that fifteen minutes start as `15:00`.
fn seconds(until: SystemTime) -> u64 {
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    (left + Duration::from_millis(500)).as_secs()
}

/// With an empty line before and after.
fn spaced(lines: Vec<String>) -> Vec<String> {
    let air = || std::iter::once(String::new());
    air().chain(lines).chain(air()).collect()
}

/// Writes `text` to the clipboard through the terminal (OSC 52, xterm's 'Manipulate Selection
/// Data').
fn copy(text: &str) -> bool {
    let sequence = format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text));
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(sequence.as_bytes())
        .and_then(|()| stderr.flush())
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_countdown_starts_at_the_full_minute_and_ends_at_zero() {
        let from_now = |seconds| SystemTime::now() + Duration::from_secs(seconds);
        assert_eq!(clock(from_now(900)), "15:00");
        assert_eq!(clock(from_now(61)), "1:01");
        assert_eq!(clock(SystemTime::now() - Duration::from_secs(5)), "0:00");
        assert_eq!(minutes(from_now(900)), "15 minutes");
        assert_eq!(minutes(from_now(60)), "60 seconds");
        assert_eq!(minutes(from_now(110)), "2 minutes");
    }

    #[test]
    fn a_notice_that_waits_for_a_program_does_not_block_and_comes_before_the_next() {
        let prompt = TerminalPrompt::plain();
        let (go_on, may_go_on) = mpsc::channel();
        let may_go_on = Arc::new(Mutex::new(may_go_on));
        let was_told = Arc::new(Mutex::new(None));
        let told = was_told.clone();
        prompt.aside(move || {
            let answer = held(&may_go_on).recv_timeout(Duration::from_secs(20));
            *held(&told) = Some(answer.is_ok());
        });
        // If the call had waited, this line would not be reached.
        go_on.send(()).unwrap();
        prompt.show(&Notice::Over);
        assert_eq!(*held(&was_told), Some(true));
    }

    #[test]
    fn debug_hides_what_is_shown() {
        let shown = format!("{:?}", TerminalPrompt::default());
        assert_eq!(shown, "TerminalPrompt { plain: false, .. }");
    }
}
