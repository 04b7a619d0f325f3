//! Prompts for a secret: without echo at a terminal, otherwise from a line of standard input.

use crate::{
    failure::{Failure, Kind},
    output::door,
};
use azcred::SecretString;
use std::io::{self, IsTerminal};
use zeroize::Zeroizing;

/// The longest accepted input. Entra ID's secrets, tokens and passwords are shorter.
const LIMIT: usize = 16 << 10;

/// Prompts for a secret; `what` names it. The line end behind it is removed, and nothing else: when
/// a secret is rejected, the error says what is odd about it.
///
/// Waits without a time limit. Cancel-safe: when the future is dropped, the terminal shows typed
/// text again.
pub(crate) async fn ask(what: &str) -> Result<SecretString, Failure> {
    let read = if io::stdin().is_terminal() {
        from_terminal(&format!("{what} (it is not shown): ")).await
    } else {
        blocking(|| line(&mut std_in()?)).await
    };
    let failed = |why: String| {
        Failure::new(Kind::Failed, format!("could not read the {what}"), why)
            .fix("type it at a terminal, or pipe it in: `… < FILE`")
    };
    let read = read.map_err(|error| failed(error.to_string()))?;
    match secret_in(&read) {
        Ok(secret) if secret.trim().is_empty() => {
            Err(failed("nothing was typed or piped in".to_owned()))
        }
        Ok(secret) => Ok(SecretString::from(secret.as_str())),
        Err(kind) => Err(failed(format!("the input is {kind}"))),
    }
}

/// The first line of a text, in UTF-8 or in UTF-16 as Windows PowerShell writes files.
fn secret_in(read: &[u8]) -> Result<Zeroizing<String>, String> {
    // In UTF-16 with the high byte first, the line ended within a character.
    let cut = read.starts_with(b"\xfe\xff") && !read.len().is_multiple_of(2);
    let text = azcred::decode_text(&read[..read.len() - usize::from(cut)])?;
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

/// Ends the line of the prompt, with or without input: the return key was not shown.
struct EndsLine;

impl Drop for EndsLine {
    fn drop(&mut self) {
        let _ = door::stderr().line("");
    }
}

/// Shows a prompt, whose line ends when the result is dropped.
fn question(text: &str) -> EndsLine {
    let _ = door::stderr().write(text);
    EndsLine
}

async fn blocking(
    read: impl FnOnce() -> io::Result<Zeroizing<Vec<u8>>> + Send + 'static,
) -> io::Result<Zeroizing<Vec<u8>>> {
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The first line, or the whole input.
fn line(input: &mut impl io::Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // The buffer never grows, so that no copy of a part stays in memory.
    let mut read = Zeroizing::new(vec![0; LIMIT + 1]);
    let mut length = 0;
    loop {
        let count = match input.read(&mut read[length..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        let end = read[length..length + count]
            .iter()
            .position(|byte| *byte == b'\n');
        length += end.unwrap_or(count);
        if length > LIMIT {
            return Err(io::Error::other(format!("it is longer than {LIMIT} bytes")));
        }
        if count == 0 || end.is_some() {
            read.truncate(length);
            return Ok(read);
        }
    }
}

/// Standard input, without a buffer that would keep the secret.
#[cfg(unix)]
fn std_in() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn std_in() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}

#[cfg(unix)]
async fn from_terminal(text: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    // The echo is off before the prompt appears.
    let _unseen = echo::Off::new()?;
    let _line = question(text);
    blocking(|| line(&mut std_in()?)).await
}

#[cfg(not(unix))]
async fn from_terminal(text: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let _line = question(text);
    blocking(|| {
        let read = console::Term::stderr().read_secure_line()?;
        Ok(Zeroizing::new(read.into_bytes()))
    })
    .await
}

#[cfg(unix)]
mod echo {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use std::io;

    /// Typed text is not shown until this is dropped.
    pub(super) struct Off(Termios);

    impl Off {
        pub(super) fn new() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut unseen = before.clone();
            unseen.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
            // Text that was typed before the prompt was visible. It is not the secret.
            tcsetattr(io::stdin(), OptionalActions::Flush, &unseen)?;
            Ok(Self(before))
        }
    }

    impl Drop for Off {
        fn drop(&mut self) {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
        line(&mut bytes).map(|line| line.to_vec())
    }

    /// Returns a byte at a time, like typed input.
    struct Slow<'a>(&'a [u8]);

    impl io::Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn the_first_line_is_the_secret() {
        assert_eq!(read(b"s3cret\nmore\n").unwrap(), b"s3cret");
        assert_eq!(read(b"s3cret").unwrap(), b"s3cret");
        assert_eq!(read(b"").unwrap(), b"");
        assert_eq!(*line(&mut Slow(b"s3cret\nmore")).unwrap(), *b"s3cret");
    }

    #[test]
    fn only_the_line_end_and_a_byte_order_mark_are_removed_from_a_secret() {
        let secret = |input: &[u8]| {
            let line = read(input).unwrap();
            secret_in(&line).map(|secret| secret.to_string())
        };
        for (input, kept) in [
            (&b"s3cret\n"[..], "s3cret"),
            (b"s3cret\r\n", "s3cret"),
            (b"\xef\xbb\xbfs3cret\r\nmore", "s3cret"),
            (b" s3cret \n", " s3cret "),
            (b"\"s3cret\"\n", "\"s3cret\""),
            (b"\xff\xfes\x003\0\r\0\n\0", "s3"),
            (b"\xfe\xff\0s\x003\0\r\0\n", "s3"),
        ] {
            assert_eq!(secret(input).as_deref(), Ok(kept), "{input:?}");
        }
        assert!(secret(b"s\xe9cret").unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn an_endless_line_is_rejected() {
        assert!(read(&[b'x'; LIMIT]).is_ok());
        assert!(read(&[b'x'; LIMIT + 1]).is_err());
    }
}
