//! The host's end of a virtio port: a pipe that is always emptied, so that a guest that says too much never waits, and
//! QEMU with it.

use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read as _};
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

/// Lines that wait to be taken. More are dropped, as nobody who says so many has anything to say.
const WAITING_LINES: usize = 1000;

/// The beginning of a line is kept up to this length.
const LINE_BYTES: usize = 4096;

/// Lines that a guest says.
pub(crate) struct Port {
    lines: Receiver<String>,
    /// Until QEMU has opened it by its path: else the reader would find the pipe at its end.
    writer: Option<PipeWriter>,
}

impl Port {
    /// A pipe with somebody who reads it. The thread ends when QEMU does.
    pub(crate) fn open() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let (sender, lines) = sync_channel(WAITING_LINES);
        let keep = move || read_until_end(reader, &mut |line| drop(sender.try_send(line)));
        std::thread::Builder::new().name("virtio port".to_owned()).spawn(keep)?;
        Ok(Self { lines, writer: Some(writer) })
    }

    /// The name by which QEMU opens it, as long as it is not [`Port::opened`].
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let writer = self.writer.as_ref()?;
        Some(format!("/proc/{}/fd/{}", std::process::id(), writer.as_raw_fd()).into())
    }

    /// QEMU has opened it.
    pub(crate) fn opened(&mut self) {
        self.writer = None;
    }

    /// The lines that have come, without their ends.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.lines.try_iter()
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Port({:?})", self.path())
    }
}

fn read_until_end(mut reader: PipeReader, line: &mut dyn FnMut(String)) {
    let (mut chunk, mut rest) = ([0; 4096], Vec::new());
    loop {
        let bytes = match reader.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return,
            Ok(count) => &chunk[..count],
        };
        for &byte in bytes {
            if byte == b'\n' {
                let whole = String::from_utf8_lossy(&rest).trim_end_matches('\r').to_owned();
                rest.clear();
                line(whole);
            } else if rest.len() < LINE_BYTES {
                rest.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::time::Duration;

    use super::*;

    /// Everything up to the end of the pipe.
    fn all(port: &Port) -> Vec<String> {
        let mut lines = Vec::new();
        // The channel ends with the thread, and that with the pipe.
        while let Ok(line) = port.lines.recv_timeout(Duration::from_secs(20)) {
            lines.push(line);
        }
        lines
    }

    #[test]
    fn what_is_written_to_the_path_comes_line_by_line() {
        let mut port = Port::open().unwrap();
        // As QEMU opens it: qemu_create() in chardev/char-file.c.
        let mut guest = OpenOptions::new().write(true).create(true).truncate(true).open(port.path().unwrap()).unwrap();
        port.opened();
        assert_eq!(port.path(), None);
        guest.write_all(b"READY=1\nX_STATE=a\xff\r\n").unwrap();
        guest.write_all(&[b'x'; 10_000]).unwrap();
        guest.write_all(b"\nunfinished").unwrap();
        drop(guest);
        let long = "x".repeat(LINE_BYTES);
        assert_eq!(all(&port), ["READY=1", "X_STATE=a\u{fffd}", &long]);
    }

    #[test]
    fn a_guest_that_says_too_much_does_not_wait() {
        let mut port = Port::open().unwrap();
        let mut guest = OpenOptions::new().write(true).open(port.path().unwrap()).unwrap();
        port.opened();
        for _ in 0..100 {
            guest.write_all(&b"noise\n".repeat(1000)).unwrap();
        }
        drop(guest);
        // What was in the pipe when nobody waited any more may have come as well.
        assert!((WAITING_LINES..50_000).contains(&all(&port).len()));
    }
}
