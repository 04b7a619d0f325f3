//! The loopback interface of a new network namespace, by `NETLINK_ROUTE` (rtnetlink(7)): `ip` may
//! not be installed. Requests and responses have fixed sizes, so that no crate is needed.

use rustix::{
    io::Errno,
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with},
};
use std::{io, net::Ipv4Addr, os::fd::OwnedFd};

/// `RTM_NEWLINK`.
const NEW_LINK: u16 = 16;
/// `RTM_NEWADDR`.
const NEW_ADDRESS: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_ACK`.
const ACKNOWLEDGED: u16 = 1 | 4;
/// `NLM_F_CREATE | NLM_F_EXCL`.
const CREATE: u16 = 0x400 | 0x200;
/// `NLMSG_ERROR`, also the type of an acknowledgement.
const RESULT: u16 = 2;
/// `IFF_UP`.
const UP: u32 = 1;
/// `IFA_LOCAL`.
const LOCAL: u16 = 2;
/// The loopback interface is the first of every namespace.
const LOOPBACK: u32 = 1;
/// `AF_INET`.
const IPV4: u8 = 2;
/// `struct nlmsghdr`.
const HEADER: usize = 16;

/// The kernel's routing socket, for the namespace of the process.
pub(super) struct Network(OwnedFd);

impl Network {
    pub(super) fn open() -> io::Result<Self> {
        let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
        // `NETLINK_ROUTE` is 0, the family's default.
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
        Ok(Self(socket))
    }

    /// Makes the loopback interface work, with its usual addresses.
    pub(super) fn bring_up(&self) -> io::Result<()> {
        // `struct ifinfomsg`: family, padding and type, index, flags, which of them to change.
        let link = [0, LOOPBACK, UP, UP].map(u32::to_ne_bytes).concat();
        self.ask(NEW_LINK, 0, &link)
    }

    /// Adds an address to the loopback interface.
    pub(super) fn add(&self, address: Ipv4Addr) -> io::Result<()> {
        // `struct ifaddrmsg`: family, prefix length, flags, scope, index; then one attribute.
        let mut text = vec![IPV4, 32, 0, 0];
        text.extend(LOOPBACK.to_ne_bytes());
        text.extend([8_u16, LOCAL].map(u16::to_ne_bytes).concat());
        text.extend(address.octets());
        self.ask(NEW_ADDRESS, CREATE, &text)
    }

    /// Sends a request and reads its result, which is there when the request is sent.
    fn ask(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(HEADER + body.len()).map_err(io::Error::other)?;
        let mut request = length.to_ne_bytes().to_vec();
        request.extend([kind, ACKNOWLEDGED | flags].map(u16::to_ne_bytes).concat());
        // The number of the request, and the kernel as the receiver.
        request.extend([1_u32, 0].map(u32::to_ne_bytes).concat());
        request.extend(body);
        send(&self.0, &request, SendFlags::empty())?;
        let mut response = [0; 256];
        let (read, _) = recv(&self.0, &mut response, RecvFlags::empty())?;
        outcome(&response[..read]).ok_or(Errno::BADMSG)?
    }
}

/// The result in a response: `struct nlmsghdr`, and the negative error number or 0.
fn outcome(response: &[u8]) -> Option<io::Result<()>> {
    let kind = u16::from_ne_bytes(response.get(4..6)?.try_into().ok()?);
    let number = i32::from_ne_bytes(response.get(HEADER..HEADER + 4)?.try_into().ok()?);
    Some(match (kind, number) {
        (RESULT, 0) => Ok(()),
        (RESULT, number) => Err(io::Error::from_raw_os_error(-number)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_kernel_is_read_and_anything_else_is_none() {
        let response = |kind: u16, number: i32| {
            let mut response = [0; HEADER + 4];
            response[4..6].copy_from_slice(&kind.to_ne_bytes());
            response[HEADER..].copy_from_slice(&number.to_ne_bytes());
            response
        };
        assert!(outcome(&response(RESULT, 0)).unwrap().is_ok());
        let refused = outcome(&response(RESULT, -1)).unwrap().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(outcome(&response(NEW_LINK, 0)).is_none());
        assert!(outcome(&[0; HEADER]).is_none());
    }
}
