//! An HTTP server, as the firmware of machines wants one.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// Serves one file on the loopback address, under its own name, until it is dropped.
#[derive(Debug)]
pub struct FileServer {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    served: Arc<Mutex<Vec<String>>>,
    accepting: Option<JoinHandle<()>>,
}

impl FileServer {
    /// Serves `file` on a port that is free.
    ///
    /// # Panics
    /// If the host has none.
    #[must_use]
    pub fn start(file: &Path) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback address has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (ends, served) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (file, ended, noted) = (file.to_owned(), Arc::clone(&ends), Arc::clone(&served));
        let accepting = thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (file, noted) = (file.clone(), Arc::clone(&noted));
                // Who leaves early has no need of an answer.
                thread::spawn(move || drop(serve(&connection, &file, &noted)));
            }
        });
        Self { address, ends, served, accepting: Some(accepting) }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests that were answered up to the last byte, such as `GET /install.iso`.
    ///
    /// # Panics
    /// If the server did.
    #[must_use]
    pub fn served(&self) -> Vec<String> {
        self.served.lock().expect("the server has not panicked").clone()
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // It waits for somebody.
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().map(JoinHandle::join);
    }
}

/// Answers what comes over one connection, RFC 9112.
fn serve(mut connection: &TcpStream, file: &PathBuf, served: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    loop {
        let mut lines = Vec::new();
        while lines.last() != Some(&String::new()) {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            lines.push(line.trim_end().to_owned());
        }
        let request = lines[0].trim_end_matches(" HTTP/1.1");
        let (method, path) = request.split_once(' ').unwrap_or_default();
        if path.strip_prefix('/') != Some(name.as_ref()) || !["GET", "HEAD"].contains(&method) {
            write!(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        }
        let mut file = File::open(file)?;
        let length = file.metadata()?.len();
        let (status, part) = match lines.iter().find_map(|line| range(line, length)) {
            Some((first, end)) => {
                (format!("206 Partial Content\r\nContent-Range: bytes {first}-{}/{length}", end - 1), first..end)
            }
            None => ("200 OK".to_owned(), 0..length),
        };
        let count = part.end - part.start;
        write!(
            connection,
            "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {count}\r\n\r\n"
        )?;
        if method == "GET" {
            file.seek(SeekFrom::Start(part.start))?;
            if io::copy(&mut file.take(count), &mut connection)? != count {
                return Ok(());
            }
        }
        served.lock().map_err(|_| io::Error::other("another connection panicked"))?.push(request.to_owned());
    }
}

/// The bytes that a header asks for, where it is the one for that: `Range: bytes=FIRST-[LAST]`.
fn range(line: &str, length: u64) -> Option<(u64, u64)> {
    let (name, value) = line.split_once(':')?;
    let (first, last) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().unwrap_or(length - 1));
    (name.eq_ignore_ascii_case("range") && first <= last && last < length).then_some((first, last + 1))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn parts_of_a_file_can_be_asked_for() {
        for (line, expected) in [
            ("Range: bytes=0-9", Some((0, 10))),
            ("range:bytes=90-", Some((90, 100))),
            ("Range: bytes=90-100", None),
            ("Range: bytes=9-8", None),
            ("Accept: bytes=0-9", None),
        ] {
            assert_eq!(range(line, 100), expected, "{line}");
        }
    }
}
