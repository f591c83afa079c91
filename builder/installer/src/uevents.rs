//! What the kernel tells of devices as they come.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

use crate::failure::{Failure, Tried as _};

/// The kernel's messages have at most 2 KiB (`UEVENT_BUFFER_SIZE`) behind the path.
const LONGEST: usize = 8192;

/// A message of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Uevent {
    /// A device was added, or has changed.
    Device {
        /// `block`, `pci` and so on.
        subsystem: String,
        /// What its module is found by.
        alias: Option<String>,
    },
    /// There were messages that cannot be had: more than the kernel kept.
    Lost,
}

/// The kernel's messages.
#[derive(Debug)]
pub(crate) struct Uevents(OwnedFd);

impl Uevents {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let what = || "listen to what the kernel tells of devices";
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::KOBJECT_UEVENT)).tried(what)?;
        // Group 1 is the kernel's own.
        bind(&socket, &SocketAddrNetlink::new(0, 1)).tried(what)?;
        Ok(Self(socket))
    }

    /// Listens to somebody else.
    #[cfg(test)]
    pub(crate) fn of(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// The next message, or `None` when there was none for so long: what is of no use here, or a signal, ends no wait.
    pub(crate) fn next(&self, wait: Duration) -> Option<Uevent> {
        let start = Instant::now();
        let mut buffer = vec![0; LONGEST];
        loop {
            match recv(&self.0, buffer.as_mut_slice(), RecvFlags::empty()) {
                Ok((_, length)) => {
                    if let Some(uevent) = parse(&buffer[..length.min(LONGEST)]) {
                        return Some(uevent);
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let left = wait.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
                    let left = Timespec::try_from(left).ok();
                    match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], left.as_ref()) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(_) => return Some(Uevent::Lost),
                    }
                }
                // There were more than it kept (ENOBUFS); whatever else it may be, what it had to tell is not known.
                Err(_) => return Some(Uevent::Lost),
            }
        }
    }
}

fn parse(message: &[u8]) -> Option<Uevent> {
    let field = |name: &str| {
        let value = message.split(|&byte| byte == 0).find_map(|field| field.strip_prefix(name.as_bytes()))?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    if !matches!(field("ACTION=")?.as_str(), "add" | "change" | "bind") {
        return None;
    }
    Some(Uevent::Device { subsystem: field("SUBSYSTEM=")?, alias: field("MODALIAS=") })
}

#[cfg(test)]
mod tests {
    use super::{Uevent, parse};

    #[test]
    fn messages_of_the_kernel_are_read() {
        let added =
            b"add@/devices/pci0/a\0ACTION=add\0DEVPATH=/devices/pci0/a\0SUBSYSTEM=pci\0MODALIAS=pci:v1\0SEQNUM=9\0";
        let device = |subsystem: &str, alias: Option<&str>| {
            Some(Uevent::Device { subsystem: subsystem.to_owned(), alias: alias.map(str::to_owned) })
        };
        assert_eq!(parse(added), device("pci", Some("pci:v1")));
        assert_eq!(parse(b"add@/b\0ACTION=add\0SUBSYSTEM=block\0DEVNAME=sda\0"), device("block", None));
        assert_eq!(parse(b"remove@/b\0ACTION=remove\0SUBSYSTEM=block\0"), None);
        assert_eq!(parse(b"libudev\0\xfe\xed"), None);
    }
}
