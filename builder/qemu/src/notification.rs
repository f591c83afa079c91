//! How a guest's systemd tells that it is up, beside its serial console.
//!
//! ```text
//!  SMBIOS credentials ──► a unit of this boot alone ──► virtio port ──► pipe ──► lines ──► Notification
//! ```
//!
//! systemd has a notification of its own, the credential `vmm.notify_socket`, but sends it over AF_VSOCK only (or into a
//! socket of the guest itself), which takes `/dev/vhost-vsock` on the host, and with it a privilege. So a unit is handed
//! in that asks systemd and writes the answer, in the words of sd_notify(3), to a port that takes no privilege and that
//! every cloud kernel has a driver for. systemd knows such credentials since version 256, see
//! systemd.system-credentials(7), `systemd.extra-unit.*` and `systemd.unit-dropin.*`; an older one knows nothing of them,
//! and then its console alone is heard.

use std::time::Duration;

use crate::credential::Credential;
use crate::error::QemuError;
use crate::interrogation::first_words;

/// Name of the port in the guest, below `/dev/virtio-ports`.
pub(crate) const PORT: &str = "org.diskwright.smoke";

/// The unit that tells.
const UNIT: &str = include_str!("notification.service");

/// What starts it with the system. Wants no more than that: whatever becomes of it, the target is reached.
const DROP_IN: &str = "[Unit]\nWants=diskwright-smoke.service\n";

/// A line that is longer tells nothing.
const LINE_LIMIT: usize = 1000;

/// Units that are remembered by name.
const UNIT_LIMIT: usize = 100;

/// What systemd told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// When it had told all, from the start of QEMU.
    pub at: Duration,
    /// The state of the system, as `systemctl is-system-running` says it: `running`, `degraded`, …; else `unknown`.
    pub state: String,
    /// Units that failed, at most 100.
    pub failed_units: Vec<String>,
}

/// The credentials that make a guest tell.
pub(crate) fn credentials() -> Result<[Credential; 2], QemuError> {
    Ok([
        Credential::new("systemd.extra-unit.diskwright-smoke.service", UNIT)?,
        Credential::new("systemd.unit-dropin.multi-user.target", DROP_IN)?,
    ])
}

/// What has come over the port so far. It does no I/O and has no clock.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    watching: bool,
    partial: Notification,
    told: Option<Notification>,
}

impl Listener {
    /// A line was heard, without its end. Nothing in it is believed further than it is needed.
    pub(crate) fn line(&mut self, at: Duration, line: &str) {
        if line.len() > LINE_LIMIT || self.told.is_some() {
            return;
        }
        match line.split_once('=') {
            // Also after a reboot: what was told before is of another boot.
            Some(("X_WATCHING", "1")) => {
                self.watching = true;
                self.partial = Notification::default();
            }
            Some(("X_STATE", state)) if is_word(state) => state.clone_into(&mut self.partial.state),
            Some(("X_FAILED", unit)) if self.partial.failed_units.len() < UNIT_LIMIT => {
                self.partial.failed_units.extend(first_words(unit, 0).into_iter().filter(|unit| is_unit(unit)));
            }
            Some(("READY", "1")) if self.watching => {
                let mut told = Notification { at, ..std::mem::take(&mut self.partial) };
                if told.state.is_empty() {
                    "unknown".clone_into(&mut told.state);
                }
                self.told = Some(told);
            }
            _ => {}
        }
    }

    /// Somebody is there who will tell, and has not told yet.
    pub(crate) fn is_awaited(&self) -> bool {
        self.watching && self.told.is_none()
    }

    /// What was told.
    pub(crate) fn told(&self) -> Option<&Notification> {
        self.told.as_ref()
    }
}

/// A state of systemd: lower case and hyphens.
fn is_word(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// The name of a unit, see systemd.unit(5), "Description".
fn is_unit(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    text.len() <= 255 && text.contains('.') && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Listener {
        let mut listener = Listener::default();
        for (at, line) in (1..).zip(lines) {
            listener.line(Duration::from_secs(at), line);
        }
        listener
    }

    #[test]
    fn a_system_that_is_up_tells_its_state_and_its_failed_units() {
        for (lines, at, state, units) in [
            (&["X_WATCHING=1", "X_STATE=running", "READY=1"][..], 3, "running", &[][..]),
            (
                &[
                    "X_WATCHING=1",
                    "X_STATE=degraded",
                    "X_FAILED=a.service loaded failed failed A thing",
                    "X_FAILED=\u{25cf} dev-x\\x2dy.mount loaded failed failed B = c",
                    "READY=1",
                    "X_FAILED=late.service",
                ],
                5,
                "degraded",
                &["a.service", "dev-x\\x2dy.mount"],
            ),
            // A reboot begins anew.
            (
                &[
                    "X_WATCHING=1",
                    "X_STATE=stopping",
                    "X_FAILED=a.service",
                    "X_WATCHING=1",
                    "X_STATE=running",
                    "READY=1",
                ],
                6,
                "running",
                &[],
            ),
        ] {
            let listener = heard(lines);
            let told = listener.told().unwrap();
            assert_eq!((told.at.as_secs(), told.state.as_str()), (at, state));
            assert_eq!(told.failed_units, units);
            assert!(!listener.is_awaited());
        }
    }

    #[test]
    fn nothing_else_is_believed() {
        let long = format!("X_STATE={}", "x".repeat(LINE_LIMIT));
        let unit = format!("X_FAILED={}.service", "x".repeat(300));
        let lines = ["READY=1", "X_WATCHING=2", "noise", "X_WATCHING=1", "X_STATE=\u{1b}[31mred", &long, &unit];
        let mut listener = heard(&lines);
        assert!(listener.told().is_none() && listener.is_awaited());
        for number in 0..1000 {
            listener.line(Duration::ZERO, &format!("X_FAILED={number}.service"));
            listener.line(Duration::ZERO, "X_FAILED=no-unit loaded");
        }
        listener.line(Duration::ZERO, "READY=1");
        let told = listener.told().unwrap();
        assert_eq!((told.state.as_str(), told.failed_units.len()), ("unknown", UNIT_LIMIT));
        assert!(heard(&["READY=1"]).told().is_none() && !heard(&["READY=1"]).is_awaited());
    }

    #[test]
    fn the_unit_names_the_port_and_fails_for_no_reason() {
        assert!(UNIT.contains(&format!("/dev/virtio-ports/{PORT};")));
        assert!(UNIT.contains("ExecStart=-/bin/sh -c '") && UNIT.ends_with("'\n"));
        assert!(credentials().is_ok());
    }
}
