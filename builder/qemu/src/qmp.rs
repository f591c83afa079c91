//! QEMU's machine protocol: one JSON object a line; commands answered in order, events in between.
//! See QEMU's `docs/interop/qmp-spec`.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::deadline::Deadline;

/// Something QEMU reported by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// `SHUTDOWN`, `RESET`, …
    pub name: String,
    /// The event's own members.
    pub data: Value,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Closed,
    TimedOut,
    Io(io::Error),
    Refused { class: String, description: String },
    Nonsense(String),
}

/// The client's end.
#[derive(Debug)]
pub(crate) struct Qmp {
    stream: UnixStream,
    received: Vec<u8>,
    events: VecDeque<Event>,
    /// QEMU's major and minor version.
    version: (u64, u64),
}

impl Qmp {
    /// Waits for the greeting and leaves the negotiation mode.
    pub(crate) fn connect(stream: UnixStream, deadline: Deadline) -> Result<Self, Failure> {
        let mut qmp = Self { stream, received: Vec::new(), events: VecDeque::new(), version: (0, 0) };
        let greeting = qmp.read_message(deadline)?;
        let number = |name: &str| greeting.pointer(&format!("/QMP/version/qemu/{name}")).and_then(Value::as_u64);
        let (Some(major), Some(minor)) = (number("major"), number("minor")) else {
            return Err(Failure::Nonsense(greeting.to_string()));
        };
        qmp.version = (major, minor);
        qmp.execute("qmp_capabilities", Value::Null, deadline)?;
        Ok(qmp)
    }

    pub(crate) fn version(&self) -> (u64, u64) {
        self.version
    }

    /// Runs a command and returns what it returns. Events that come in between are kept.
    pub(crate) fn execute(&mut self, command: &str, arguments: Value, deadline: Deadline) -> Result<Value, Failure> {
        let mut message = json!({ "execute": command });
        if !arguments.is_null() {
            message["arguments"] = arguments;
        }
        self.stream.write_all(format!("{message}\n").as_bytes()).map_err(Failure::from_io)?;
        loop {
            let mut answer = self.read_message(deadline)?;
            if let Some(event) = Event::parse(&answer) {
                self.events.push_back(event);
            } else if let Some(error) = answer.get("error") {
                let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                return Err(Failure::Refused { class: text("class"), description: text("desc") });
            } else if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            } else {
                return Err(Failure::Nonsense(answer.to_string()));
            }
        }
    }

    /// The next event with one of these names; events before it are dropped.
    pub(crate) fn wait_for_event(&mut self, names: &[&str], deadline: Deadline) -> Result<Event, Failure> {
        loop {
            while let Some(event) = self.events.pop_front() {
                if names.contains(&event.name.as_str()) {
                    return Ok(event);
                }
            }
            let message = self.read_message(deadline)?;
            self.events.extend(Event::parse(&message));
        }
    }

    /// Drops the events that were kept.
    pub(crate) fn forget_events(&mut self) {
        self.events.clear();
    }

    fn read_message(&mut self, deadline: Deadline) -> Result<Value, Failure> {
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                let nonsense = |_| Failure::Nonsense(String::from_utf8_lossy(&line).trim_end().to_owned());
                return serde_json::from_slice(&line).map_err(nonsense);
            }
            let left = deadline.remaining().ok_or(Failure::TimedOut)?;
            self.stream.set_read_timeout(Some(left)).map_err(Failure::Io)?;
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Failure::Closed),
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                // The loop asks the deadline again.
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(Failure::from_io(error)),
            }
        }
    }
}

impl Event {
    fn parse(message: &Value) -> Option<Self> {
        let name = message.get("event")?.as_str()?.to_owned();
        Some(Self { name, data: message.get("data").cloned().unwrap_or(Value::Null) })
    }
}

impl Failure {
    fn from_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::time::Duration;

    use super::*;

    const GREETING: &str =
        r#"{"QMP": {"version": {"qemu": {"micro": 2, "minor": 1, "major": 9}}, "capabilities": []}}"#;

    /// A QEMU that answers each line it reads with the next of `answers`.
    fn scripted(answers: &'static [&'static str]) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || {
            let mut lines = io::BufReader::new(theirs.try_clone().unwrap()).lines();
            let mut theirs = theirs;
            writeln!(theirs, "{GREETING}\r").unwrap();
            for answer in answers {
                lines.next().unwrap().unwrap();
                writeln!(theirs, "{answer}\r").unwrap();
            }
        });
        ours
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    #[test]
    fn events_before_an_answer_are_kept_for_later() {
        let stream = scripted(&[
            r#"{"return": {}}"#,
            "{\"event\": \"RESET\", \"data\": {\"guest\": true}}\r\n{\"return\": {\"status\": \"running\"}}",
        ]);
        let mut qmp = Qmp::connect(stream, soon()).unwrap();
        assert_eq!(qmp.version(), (9, 1));
        assert_eq!(qmp.execute("query-status", Value::Null, soon()).unwrap()["status"], "running");
        let event = qmp.wait_for_event(&["SHUTDOWN", "RESET"], soon()).unwrap();
        assert_eq!((event.name.as_str(), &event.data["guest"]), ("RESET", &Value::Bool(true)));
        assert!(matches!(qmp.wait_for_event(&["RESET"], soon()), Err(Failure::Closed)));
    }

    #[test]
    fn a_refusal_carries_class_and_description() {
        let stream =
            scripted(&[r#"{"return": {}}"#, r#"{"error": {"class": "GenericError", "desc": "There is no console"}}"#]);
        let mut qmp = Qmp::connect(stream, soon()).unwrap();
        let failure = qmp.execute("screendump", json!({"filename": "x"}), soon()).unwrap_err();
        let Failure::Refused { class, description } = failure else { panic!("{failure:?}") };
        assert_eq!((class.as_str(), description.as_str()), ("GenericError", "There is no console"));
    }

    #[test]
    fn silence_ends_at_the_deadline_and_noise_is_nonsense() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let failure = Qmp::connect(ours, Deadline::after(Duration::from_millis(20))).unwrap_err();
        assert!(matches!(failure, Failure::TimedOut), "{failure:?}");
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"hello\n").unwrap();
        let failure = Qmp::connect(ours, soon()).unwrap_err();
        assert!(matches!(&failure, Failure::Nonsense(text) if text == "hello"), "{failure:?}");
    }
}
