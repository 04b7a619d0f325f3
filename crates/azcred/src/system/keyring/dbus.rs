//! A small D-Bus client: calls methods of one service on the session bus (D-Bus Specification
//! 0.43).
//!
//! It sends little-endian messages over a Unix socket and authenticates by the user id. Messages
//! from the bus are untrusted: every length is checked against the data, and the size of a message
//! is limited.

use crate::system::NoKeyring;
use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::{OsStrExt, OsStringExt},
            net::{SocketAddr, UnixStream},
        },
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// The largest message that is accepted, in bytes.
const LARGEST: usize = 256 << 10;
/// The most signals and other clients' messages that are skipped while waiting for a reply.
const MOST_OTHERS: usize = 64;

/// The address of a bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Path(PathBuf),
    /// An abstract socket name of Linux, without a file.
    Abstract(OsString),
}

impl Address {
    /// The session bus in `DBUS_SESSION_BUS_ADDRESS`, or else in `XDG_RUNTIME_DIR`.
    pub(super) fn of_session(
        address: Option<&OsStr>,
        runtime_folder: Option<&OsStr>,
    ) -> Result<Self, NoKeyring> {
        if let Some(address) = address {
            return Self::read(address.as_bytes()).ok_or_else(|| {
                NoKeyring::Absent(
                    "DBUS_SESSION_BUS_ADDRESS names no bus on a Unix socket".to_owned(),
                )
            });
        }
        let bus = runtime_folder.map(|folder| Path::new(folder).join("bus"));
        bus.filter(|bus| bus.exists())
            .map(Self::Path)
            .ok_or_else(|| {
                NoKeyring::Absent(
                    "there is no session bus, and DBUS_SESSION_BUS_ADDRESS is not set".to_owned(),
                )
            })
    }

    /// The first Unix socket in a list of addresses ('Server Addresses').
    fn read(addresses: &[u8]) -> Option<Self> {
        addresses.split(|byte| *byte == b';').find_map(|address| {
            let pairs = address.strip_prefix(b"unix:")?;
            pairs.split(|byte| *byte == b',').find_map(|pair| {
                let at = pair.iter().position(|byte| *byte == b'=')?;
                let value = OsString::from_vec(unescaped(&pair[at + 1..])?);
                match &pair[..at] {
                    b"path" => Some(Self::Path(value.into())),
                    b"abstract" => Some(Self::Abstract(value)),
                    _ => None,
                }
            })
        })
    }

    fn connect(&self) -> io::Result<UnixStream> {
        #[cfg(feature = "fuzzing")]
        if let Some(bus) = CANNED.take() {
            return Ok(bus);
        }
        match self {
            Self::Path(path) => UnixStream::connect(path),
            Self::Abstract(name) => {
                UnixStream::connect_addr(&SocketAddr::from_abstract_name(name.as_bytes())?)
            }
        }
    }
}

#[cfg(feature = "fuzzing")]
thread_local! {
    /// The bus of a fuzz target.
    static CANNED: std::cell::RefCell<Option<UnixStream>> = const { std::cell::RefCell::new(None) };
}

/// A bus that has said all of this, and hangs up.
#[cfg(feature = "fuzzing")]
pub(super) fn can(said: &[u8]) {
    let Ok((ours, mut theirs)) = UnixStream::pair() else {
        return;
    };
    // What the socket's buffer does not take was not said.
    let _ = theirs.set_nonblocking(true);
    let _ = theirs.write_all(said);
    let _ = theirs.shutdown(std::net::Shutdown::Write);
    // What is sent to it is not read.
    thread_local! {
        static OTHER_END: std::cell::RefCell<Option<UnixStream>> = const { std::cell::RefCell::new(None) };
    }
    OTHER_END.set(Some(theirs));
    CANNED.set(Some(ours));
}

/// Decodes escapes such as `%2f`.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'%' {
            bytes.push(*byte);
            rest = after;
            continue;
        }
        let (digits, after) = after.split_first_chunk::<2>()?;
        let digits = str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    Some(bytes)
}

/// A method to call.
pub(super) struct Call<'a> {
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
    pub(super) method: &'a str,
    /// The types of the arguments in `body`.
    pub(super) signature: &'a str,
    pub(super) body: Body,
}

/// The reply to a call: its arguments, or the name of an error.
pub(super) type CallResult = Result<Reply, String>;

/// The arguments of a reply.
pub(super) struct Reply {
    signature: String,
    body: Zeroizing<Vec<u8>>,
}

/// A connection to a bus, for calls to one service.
pub(super) struct Bus {
    stream: UnixStream,
    /// Bytes that were read and not parsed yet.
    ahead: Zeroizing<Vec<u8>>,
    service: &'static str,
    serial: u32,
    until: Instant,
}

impl Bus {
    /// Connects, authenticates and calls these methods, in one message. Returns the replies in the
    /// order of the calls.
    pub(super) fn connect(
        address: &Address,
        service: &'static str,
        patience: Duration,
        calls: &[Call<'_>],
    ) -> Result<(Self, Vec<CallResult>), NoKeyring> {
        let until = Instant::now() + patience;
        let stream = address.connect().map_err(|error| {
            NoKeyring::Absent(format!(
                "the session's bus can't be reached ({})",
                error.kind()
            ))
        })?;
        let user = rustix::process::geteuid();
        // Any user can take an abstract name that a bus no longer uses.
        let peer = rustix::net::sockopt::socket_peercred(&stream).map(|peer| peer.uid);
        if !peer.is_ok_and(|peer| peer == user || peer.is_root()) {
            return Err(NoKeyring::Absent(
                "the session's bus is another user's".to_owned(),
            ));
        }
        let mut bus = Self {
            stream,
            ahead: Zeroizing::default(),
            service,
            serial: 0,
            until,
        };
        // 'Authentication Protocol'. The calls need not wait for the response: a server that
        // rejects the client reads no further.
        let id: String = user
            .as_raw()
            .to_string()
            .bytes()
            .map(|digit| format!("{digit:02x}"))
            .collect();
        let mut sent = Zeroizing::new(format!("\0AUTH EXTERNAL {id}\r\nBEGIN\r\n").into_bytes());
        let hello = Call {
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            method: "Hello",
            signature: "",
            body: Body::default(),
        };
        bus.append(&mut sent, "org.freedesktop.DBus", &hello)?;
        for call in calls {
            bus.append(&mut sent, service, call)?;
        }
        bus.send(&sent)?;
        if !bus.line()?.starts_with(b"OK ") {
            return Err(NoKeyring::Failed(
                "the session's bus does not take this user".to_owned(),
            ));
        }
        let mut answers = bus.answers(1 + calls.len())?;
        answers
            .remove(0)
            .map_err(|error| NoKeyring::Failed(format!("the bus says {error}")))?;
        Ok((bus, answers))
    }

    /// Calls a method.
    pub(super) fn call(&mut self, call: &Call<'_>) -> Result<CallResult, NoKeyring> {
        let mut sent = Zeroizing::new(Vec::new());
        self.append(&mut sent, self.service, call)?;
        self.send(&sent)?;
        self.answers(1)?.pop().ok_or_else(nonsense)
    }

    /// Writes a message ('Message Format').
    fn append(
        &mut self,
        to: &mut Vec<u8>,
        destination: &str,
        call: &Call<'_>,
    ) -> Result<(), NoKeyring> {
        self.serial += 1;
        let too_large = |_| NoKeyring::Failed("the message is too large".to_owned());
        let mut head = Body(Zeroizing::new(vec![b'l', 1, 0, 1]));
        head.u32(u32::try_from(call.body.0.len()).map_err(too_large)?);
        head.u32(self.serial);
        head.array(8, |head| {
            for (code, value) in [
                (1, call.path),
                (2, call.interface),
                (3, call.method),
                (6, destination),
            ] {
                head.align(8);
                head.u8(code);
                head.signature(if code == 1 { "o" } else { "s" });
                head.text(value);
            }
            if !call.signature.is_empty() {
                head.align(8);
                head.u8(8);
                head.signature("g");
                head.signature(call.signature);
            }
        });
        head.align(8);
        to.extend_from_slice(&head.0);
        to.extend_from_slice(&call.body.0);
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), NoKeyring> {
        let left = self.left()?;
        self.stream
            .set_write_timeout(Some(left))
            .and_then(|()| self.stream.write_all(bytes))
            .map_err(|error| broken(&error))
    }

    /// The replies to the last messages, in the order of the calls. Other messages are skipped.
    fn answers(&mut self, count: usize) -> Result<Vec<CallResult>, NoKeyring> {
        let first = usize_of(self.serial).ok_or_else(nonsense)? + 1 - count;
        let mut answers: Vec<Option<CallResult>> = (0..count).map(|_| None).collect();
        for _ in 0..MOST_OTHERS {
            let (to, answer) = self.message()?;
            let place = to.and_then(usize_of).and_then(|to| to.checked_sub(first));
            if let Some(place) = place.and_then(|place| answers.get_mut(place)) {
                *place = Some(answer);
            }
            if answers.iter().all(Option::is_some) {
                return Ok(answers.into_iter().flatten().collect());
            }
        }
        Err(nonsense())
    }

    /// The next message: the call to which it replies, and its content.
    fn message(&mut self) -> Result<(Option<u32>, CallResult), NoKeyring> {
        let head = self.exact(16)?;
        let (endian, kind) = (head[0], head[1]);
        if endian != b'l' {
            return Err(nonsense());
        }
        let length_at = |place: usize| ArgumentReader::new(&head[place..]).u32().and_then(usize_of);
        let (Some(body), Some(fields)) = (length_at(4), length_at(12)) else {
            return Err(nonsense());
        };
        if body > LARGEST || fields > LARGEST {
            return Err(NoKeyring::Failed("its answer is too large".to_owned()));
        }
        let fields = self.exact(fields.next_multiple_of(8))?;
        let body = self.exact(body)?;
        let fields = Fields::read(&fields).ok_or_else(nonsense)?;
        let answer = match kind {
            3 => Err(fields.error),
            _ => Ok(Reply {
                signature: fields.signature,
                body,
            }),
        };
        // Signals and calls are not replies.
        let to = fields.reply_to.filter(|_| matches!(kind, 2 | 3));
        Ok((to, answer))
    }

    /// A line of the authentication.
    fn line(&mut self) -> Result<Zeroizing<Vec<u8>>, NoKeyring> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|pair| pair == b"\r\n") {
                return self.exact(end + 2);
            }
            if self.ahead.len() > 512 {
                return Err(nonsense());
            }
            self.read_ahead()?;
        }
    }

    /// Exactly this many bytes.
    fn exact(&mut self, length: usize) -> Result<Zeroizing<Vec<u8>>, NoKeyring> {
        while self.ahead.len() < length {
            self.read_ahead()?;
        }
        let rest = Zeroizing::new(self.ahead.split_off(length));
        Ok(std::mem::replace(&mut self.ahead, rest))
    }

    /// Reads what has arrived. If nothing has, waits.
    fn read_ahead(&mut self) -> Result<(), NoKeyring> {
        let left = self.left()?;
        let mut some = Zeroizing::new([0; 4096]);
        let read = self
            .stream
            .set_read_timeout(Some(left))
            .and_then(|()| self.stream.read(&mut *some));
        match read {
            Ok(0) => Err(broken(&io::ErrorKind::UnexpectedEof.into())),
            Ok(read) => {
                self.ahead.extend_from_slice(&some[..read]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(broken(&error)),
        }
    }

    fn left(&self) -> Result<Duration, NoKeyring> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(broken(&io::ErrorKind::TimedOut.into()));
        }
        Ok(left)
    }
}

fn broken(error: &io::Error) -> NoKeyring {
    NoKeyring::Failed(match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            "it did not answer in time".to_owned()
        }
        io::ErrorKind::UnexpectedEof => "the session's bus hung up".to_owned(),
        kind => format!("the session's bus can't be spoken to ({kind})"),
    })
}

pub(super) fn nonsense() -> NoKeyring {
    NoKeyring::Failed("its answer can't be understood".to_owned())
}

/// The fields of a message's header that are used.
#[derive(Default)]
struct Fields {
    reply_to: Option<u32>,
    error: String,
    signature: String,
}

impl Fields {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = ArgumentReader::new(bytes);
        let mut fields = Self::default();
        // After the last field, padding goes up to a multiple of eight.
        while reader.rest().len() >= 8 {
            reader.align(8)?;
            let code = reader.u8()?;
            match (code, reader.signature()?) {
                (5, "u") => fields.reply_to = reader.u32(),
                (4, "s") => fields.error = reader.text()?.to_owned(),
                (8, "g") => fields.signature = reader.signature()?.to_owned(),
                (_, "s" | "o") => drop(reader.text()?),
                (_, "g") => drop(reader.signature()?),
                (_, "u") => drop(reader.u32()?),
                _ => return None,
            }
        }
        Some(fields)
    }
}

fn usize_of(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Arguments of a call ('Marshaling').
#[derive(Default)]
pub(super) struct Body(Zeroizing<Vec<u8>>);

impl Body {
    pub(super) fn u8(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.align(4);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A string or an object path.
    pub(super) fn text(&mut self, text: &str) {
        self.u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
    }

    pub(super) fn signature(&mut self, signature: &str) {
        self.u8(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.0.extend_from_slice(signature.as_bytes());
        self.0.push(0);
    }

    /// Bytes (`ay`).
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(bytes);
    }

    /// An array whose elements are aligned to `alignment`. Its length excludes the padding before
    /// the first element.
    pub(super) fn array(&mut self, alignment: usize, fill: impl FnOnce(&mut Self)) {
        self.u32(0);
        let length_at = self.0.len() - 4;
        self.align(alignment);
        let start = self.0.len();
        fill(self);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        self.0[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }

    pub(super) fn align(&mut self, to: usize) {
        let length = self.0.len().next_multiple_of(to);
        self.0.resize(length, 0);
    }
}

impl Reply {
    /// The arguments, if they have these types.
    pub(super) fn arguments(&self, signature: &str) -> Option<ArgumentReader<'_>> {
        (self.signature == signature).then(|| ArgumentReader::new(&self.body))
    }
}

/// Reads the arguments of a reply.
pub(super) struct ArgumentReader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> ArgumentReader<'a> {
    fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..length)?;
        self.at += length;
        Some(taken)
    }

    pub(super) fn align(&mut self, to: usize) -> Option<()> {
        let at = self.at.next_multiple_of(to);
        (at <= self.all.len()).then(|| self.at = at)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.align(4)?;
        let bytes = self.take(4)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let bytes = self.bytes()?;
        (self.u8()? == 0).then_some(())?;
        str::from_utf8(bytes).ok()
    }

    pub(super) fn signature(&mut self) -> Option<&'a str> {
        let length = self.u8()?;
        let bytes = self.take(length.into())?;
        (self.u8()? == 0).then_some(())?;
        str::from_utf8(bytes).ok()
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize_of(self.u32()?)?;
        self.take(length)
    }

    /// An array of strings or object paths.
    pub(super) fn texts(&mut self) -> Option<Vec<&'a str>> {
        let length = usize_of(self.u32()?)?;
        let end = self.at.checked_add(length)?;
        let mut texts = Vec::new();
        while self.at < end {
            texts.push(self.text()?);
        }
        (self.at == end).then_some(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::{cases, spoilt};
    use proptest::prelude::*;

    fn session(address: &str) -> Result<Address, NoKeyring> {
        Address::of_session(Some(OsStr::new(address)), None)
    }

    #[test]
    fn the_bus_is_found_in_all_the_forms_that_systems_write() {
        let path = |path: &str| Ok(Address::Path(path.into()));
        assert_eq!(
            session("unix:path=/run/user/1000/bus"),
            path("/run/user/1000/bus")
        );
        assert_eq!(session("unix:path=/tmp/a%20b,guid=00"), path("/tmp/a b"));
        assert_eq!(session("tcp:host=x;unix:guid=1,path=/b"), path("/b"));
        assert_eq!(
            session("unix:abstract=/tmp/dbus-x"),
            Ok(Address::Abstract("/tmp/dbus-x".into()))
        );
        for bad in [
            "autolaunch:",
            "unix:path",
            "unix:path=%z",
            "unixexec:path=/bin/sh",
            "disabled:",
        ] {
            assert!(matches!(session(bad), Err(NoKeyring::Absent(_))), "{bad}");
        }
        assert!(matches!(
            Address::of_session(None, Some(OsStr::new("/nonexistent"))),
            Err(NoKeyring::Absent(_))
        ));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut body = Body::default();
        body.text("one");
        body.array(4, |body| {
            body.text("/a");
            body.text("/bc");
        });
        body.bytes(b"xyz");
        let mut reader = ArgumentReader::new(&body.0);
        assert_eq!(reader.text(), Some("one"));
        assert_eq!(reader.texts(), Some(vec!["/a", "/bc"]));
        assert_eq!(reader.bytes(), Some(b"xyz".as_slice()));
        assert!(reader.rest().is_empty());
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn what_can_not_be_read_is_not_read(bad in spoilt(vec![5, 1, b'u', 0, 1, 0, 0, 0, 4, 1, b's', 0, 2, 0, 0, 0, b'a', b'b', 0])) {
            let _ = Fields::read(&bad);
            let mut reader = ArgumentReader::new(&bad);
            while !reader.rest().is_empty() && reader.texts().is_some() {}
            let mut reader = ArgumentReader::new(&bad);
            let _ = (reader.signature(), reader.text(), reader.bytes(), reader.align(8), reader.u32());
        }
    }
}
