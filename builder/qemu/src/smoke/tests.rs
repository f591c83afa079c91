//! Boots of a machine that a script plays: QMP on its standard input, the console on its standard output.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Smoke;
use crate::{Architecture, CheckOutcome, Machine, Verdict};

/// Comes up, logs root in on a shell, and says one thing while it is asked and one more at a later sign of life.
const PLAYER: &str = r#"#!/bin/bash
cd "$(dirname "$0")"
answer() {
    echo '{"QMP": {"version": {"qemu": {"major": 9, "minor": 0, "micro": 0}}, "capabilities": []}}' >&0
    while read -r request; do
        case $request in
        *query-status*) echo '{"return": {"status": "running"}}' >&0; [ -e asked ] && echo '[  9.0] a late line' ;;
        *) echo '{"return": {}}' >&0 ;;
        esac
    done
}
exec 3<&0
answer <&3 &
echo '[    0.000000] Linux version 6.1.0'
echo '[  OK  ] Reached target multi-user.target'
echo 'here login: root (automatic login)'
cat > env <<'END'
read() { :; }
stty() { :; }
dmesg() { :; }
kill() { :; }
systemctl() {
    case $1 in
    is-system-running) echo running ;;
    is-active) : > asked; echo 'said while it is asked'; [ "$3" != bad.service ] ;;
    esac
}
END
ENV=./env PS1='# ' exec dash -i <&1 2>&1
"#;

fn machine(folder: &Path) -> Machine {
    let program = folder.join("player");
    // Not written by this process: a child that another test starts might hold it open for writing.
    let mut writer = Command::new("sh");
    writer.args(["-c", "cat > \"$1\" && chmod +x \"$1\"", "sh"]).arg(&program).stdin(Stdio::piped());
    let mut child = writer.spawn().unwrap();
    child.stdin.take().unwrap().write_all(PLAYER.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    Machine { program, flash: None, wish: Machine::builder(Architecture::X86_64) }
}

#[test]
fn what_the_console_does_not_say_keeps_nobody_from_asking() {
    const GOOD: &str = "good.service";
    for (expected, unit, command, verdict, summary, outcomes) in [
        (&["nonsense"][..], GOOD, "true", Verdict::CheckFailed, "check failed: expect nonsense", "fpp"),
        (
            &["nonsense"],
            "bad.service",
            "true",
            Verdict::CheckFailed,
            "check failed: expect nonsense, unit bad.service",
            "ffp",
        ),
        (&["Linux version"], GOOD, "false", Verdict::CheckFailed, "check failed: run false", "ppf"),
        (&["while it is asked", "a late line"], GOOD, "true", Verdict::TargetReached, "target reached", "pppp"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut smoke = Smoke::new(machine(folder.path()), Duration::from_secs(12)).log_in(true);
        for words in expected {
            smoke = smoke.expect(*words, |line| line.contains(*words));
        }
        let report = smoke.expect_unit(unit).run_command(command).run(std::io::sink(), &mut |_| {});
        let told = format!("{expected:?}, {unit}, {command}: {report:#?}");
        assert_eq!((report.verdict, report.summary.as_str()), (verdict, summary), "{told}");
        assert!(report.units_asked, "{told}");
        let letter = |outcome| if outcome == CheckOutcome::Passed { 'p' } else { 'f' };
        let found: String = report.checks.iter().map(|check| letter(check.outcome)).collect();
        assert_eq!(found, outcomes, "{told}");
        assert!(report.checks.iter().all(|check| check.outcome != CheckOutcome::NotAsked), "{told}");
    }
}
