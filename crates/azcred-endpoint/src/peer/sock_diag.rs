//! The owner of a socket, by `NETLINK_SOCK_DIAG` (`sock_diag(7)`): one request and one response of
//! fixed sizes, so that no crate is needed to read them.

use super::{Clue, Owner};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send,
        socket_with,
    },
    process::getuid,
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    sync::{Mutex, PoisonError},
};

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
const REQUEST_SIZE: usize = HEADER + 56;
/// `struct nlmsghdr` and `struct inet_diag_msg`.
const RESPONSE_SIZE: usize = HEADER + 72;
/// Where `struct inet_diag_msg` has these fields.
const SOURCE_PORT: usize = HEADER + 4;
const DESTINATION_PORT: usize = HEADER + 6;
const USER: usize = HEADER + 64;
const INODE: usize = HEADER + 68;

/// The kernel's sockets.
#[derive(Debug)]
pub(super) struct Sockets {
    own: u32,
    /// The connection to the kernel, and the number of the last request.
    kernel: Mutex<(OwnedFd, u32)>,
}

impl Sockets {
    pub(super) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
        let kernel = socket_with(family, kind, flags, Some(netlink::SOCK_DIAG))?;
        let sockets = Self {
            own: getuid().as_raw(),
            kernel: Mutex::new((kernel, 0)),
        };
        // A sandbox may permit the socket and not the request. Nothing has these ports.
        let nothing = SocketAddr::from(([127, 0, 0, 1], 0));
        match sockets.find(nothing, nothing) {
            Ok(_) | Err(Errno::NOENT) => Ok(sockets),
            Err(error) => Err(error.into()),
        }
    }

    /// Whose socket at `client` is connected to `server`.
    pub(super) fn owner(&self, client: SocketAddr, server: SocketAddr) -> Owner {
        match self.find(client, server) {
            // A socket that its program has closed has no number, and none reads from it.
            Ok((_, 0)) => Owner::Other(None),
            Ok((user, inode)) if user == self.own => Owner::Own(Clue::Inode(inode)),
            Ok((user, _)) => Owner::Other(Some(user)),
            Err(error) => {
                tracing::debug!(%error, %client, "the system does not know the client's socket");
                Owner::Other(None)
            }
        }
    }

    /// The user and the number of a socket. The kernel's response is there when the request is
    /// sent, so nothing waits.
    fn find(&self, client: SocketAddr, server: SocketAddr) -> Result<(u32, u32), Errno> {
        let mut kernel = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        kernel.1 = kernel.1.wrapping_add(1);
        let number = kernel.1;
        send(
            &kernel.0,
            &request(number, client, server),
            SendFlags::empty(),
        )?;
        // A response to an earlier request is left if reading it failed.
        for _ in 0..8 {
            let mut buffer = [0; 512];
            let (length, _) = recv(&kernel.0, &mut buffer, RecvFlags::empty())?;
            if let Some(found) = read(&buffer[..length], number, client, server) {
                return found;
            }
        }
        Err(Errno::BADMSG)
    }
}

fn request(number: u32, client: SocketAddr, server: SocketAddr) -> [u8; REQUEST_SIZE] {
    let mut request = [0; REQUEST_SIZE];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        request[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    #[expect(clippy::cast_possible_truncation, reason = "72")]
    let size = REQUEST_SIZE as u32;
    put(&size.to_ne_bytes());
    put(&BY_FAMILY.to_ne_bytes());
    put(&REQUEST.to_ne_bytes());
    put(&number.to_ne_bytes());
    put(&[0; 4]);
    let family = match client {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    // The family, TCP (`IPPROTO_TCP`), no extensions, and every state.
    put(&[family.as_raw().to_le_bytes()[0], 6, 0, 0]);
    put(&u32::MAX.to_ne_bytes());
    put(&client.port().to_be_bytes());
    put(&server.port().to_be_bytes());
    put(&address(client));
    put(&address(server));
    // Any interface, and no cookie (`INET_DIAG_NOCOOKIE`).
    put(&[0; 4]);
    put(&[0xff; 8]);
    request
}

/// The four words of an address.
fn address(of: SocketAddr) -> [u8; 16] {
    match of.ip() {
        IpAddr::V6(ip) => ip.octets(),
        IpAddr::V4(ip) => {
            let mut words = [0; 16];
            words[..4].copy_from_slice(&ip.octets());
            words
        }
    }
}

/// The user and the number in a response to this request; `None` if it is to another request.
fn read(
    response: &[u8],
    number: u32,
    client: SocketAddr,
    server: SocketAddr,
) -> Option<Result<(u32, u32), Errno>> {
    let half = |at: usize| Some([*response.get(at)?, *response.get(at + 1)?]);
    let word = |at: usize| {
        Some(u32::from_ne_bytes(
            response.get(at..at + 4)?.try_into().ok()?,
        ))
    };
    if word(8)? != number {
        return None;
    }
    match u16::from_ne_bytes(half(4)?) {
        ERROR => Some(Err(match word(HEADER)?.cast_signed().checked_neg() {
            Some(code) if code > 0 => Errno::from_raw_os_error(code),
            _ => Errno::BADMSG,
        })),
        BY_FAMILY if response.len() >= RESPONSE_SIZE => {
            // The kernel looks among listening sockets too, which have no other side.
            let is_it = u16::from_be_bytes(half(SOURCE_PORT)?) == client.port()
                && u16::from_be_bytes(half(DESTINATION_PORT)?) == server.port();
            Some(match is_it {
                true => Ok((word(USER)?, word(INODE)?)),
                false => Err(Errno::NOENT),
            })
        }
        _ => Some(Err(Errno::BADMSG)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_owner_of_a_connected_socket_is_told_and_of_nothing_else() {
        let Ok(sockets) = Sockets::open() else {
            eprintln!("skipped: this system has no sock_diag");
            return;
        };
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let server = listener.local_addr().unwrap();
            let stream = TcpStream::connect(server).unwrap();
            let client = stream.local_addr().unwrap();
            let _accepted = listener.accept().unwrap();
            let owner = sockets.owner(client, server);
            assert!(matches!(owner, Owner::Own(Clue::Inode(1..))), "{owner:?}");
            let mut unused = client;
            unused.set_port(1);
            assert_eq!(sockets.owner(unused, server), Owner::Other(None));
            assert_eq!(sockets.owner(server, unused), Owner::Other(None));
        }
    }

    #[test]
    fn a_client_on_a_socket_of_ipv6_is_told_by_its_ipv4_address() {
        let (Ok(sockets), Ok(listener)) = (Sockets::open(), TcpListener::bind("127.0.0.1:0"))
        else {
            eprintln!("skipped: this system has no sock_diag");
            return;
        };
        let server = listener.local_addr().unwrap();
        let mapped = format!("[::ffff:127.0.0.1]:{}", server.port());
        let Ok(_stream) = TcpStream::connect(mapped) else {
            eprintln!("skipped: this system has no IPv6");
            return;
        };
        let (_accepted, client) = listener.accept().unwrap();
        let owner = sockets.owner(client, server);
        assert!(matches!(owner, Owner::Own(Clue::Inode(1..))), "{owner:?}");
    }

    #[test]
    fn no_response_is_read_past_its_end() {
        let client = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut whole = [0; RESPONSE_SIZE];
        whole[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
        whole[SOURCE_PORT..SOURCE_PORT + 2].copy_from_slice(&1_u16.to_be_bytes());
        whole[DESTINATION_PORT..DESTINATION_PORT + 2].copy_from_slice(&1_u16.to_be_bytes());
        assert_eq!(read(&whole, 0, client, client), Some(Ok((0, 0))));
        assert_eq!(read(&whole, 1, client, client), None);
        for end in 0..RESPONSE_SIZE {
            let found = read(&whole[..end], 0, client, client);
            assert!(matches!(found, None | Some(Err(_))), "{end}");
        }
        whole[4..6].copy_from_slice(&ERROR.to_ne_bytes());
        for (code, error) in [
            (-2, Errno::NOENT),
            (0, Errno::BADMSG),
            (i32::MIN, Errno::BADMSG),
        ] {
            whole[HEADER..HEADER + 4].copy_from_slice(&i32::to_ne_bytes(code));
            assert_eq!(read(&whole, 0, client, client), Some(Err(error)), "{code}");
        }
    }
}
