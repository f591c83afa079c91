//! What is true of every booted disk.

use builder_qemu::Shell;
use serde_json::Value;

use crate::machine::COMMAND;

/// Units that may fail, with the reason.
pub(crate) type Exceptions = &'static [(&'static str, &'static str)];

/// Checks a booted system against its plan; no unit may fail.
pub(crate) fn booted_system(shell: &mut Shell<'_>, plan: &Value) {
    booted_system_but(shell, plan, &[]);
}

/// Awaits the end of the boot.
pub(crate) fn no_unit_failed(shell: &mut Shell<'_>) {
    failed_units(shell, &[]);
}

fn failed_units(shell: &mut Shell<'_>, may_fail: Exceptions) {
    let mut run = |command: &str| shell.run(command, COMMAND).unwrap_or_else(|error| panic!("{command}: {error}"));
    // "degraded" only by units that are named.
    let state = run("systemctl is-system-running --wait").text;
    let failed = run("systemctl list-units --failed --plain --no-legend --full").text;
    let unexpected: Vec<_> =
        failed.lines().filter(|line| !may_fail.iter().any(|(unit, _)| line.starts_with(unit))).collect();
    assert!(unexpected.is_empty(), "failed units:\n{failed}");
    assert!(matches!(state.trim(), "running" | "degraded"), "systemd is {state}");
}

/// Checks a booted system against its plan, where some units fail for a reason that has nothing to do with it.
pub(crate) fn booted_system_but(shell: &mut Shell<'_>, plan: &Value, may_fail: Exceptions) {
    let mut run = |command: &str| shell.run(command, COMMAND).unwrap_or_else(|error| panic!("{command}: {error}"));

    let cmdline = run("cat /proc/cmdline").text;
    let options = plan["boot"]["options"].as_str().unwrap();
    assert!(cmdline.ends_with(options), "planned `{options}`, booted `{cmdline}`");

    let status = run("ostree admin status");
    let commit = plan["deployment"]["commit"].as_str().unwrap();
    let booted = status.text.lines().find(|line| line.trim_start().starts_with('*')).unwrap_or_default().to_owned();
    assert!(status.status == 0 && booted.contains(commit), "{}", status.text);
    let origin = run("cat /ostree/deploy/*/deploy/*.0.origin").text;
    assert!(origin.contains(plan["deployment"]["origin"].as_str().unwrap()), "{origin}");

    for read_only in ["/", "/usr", "/sysroot"] {
        let touched = run(&format!("touch {read_only}/probe"));
        let refused =
            touched.text.contains("Read-only file system") || touched.text.contains("Operation not permitted");
        assert!(touched.status != 0 && refused, "{read_only} can be written: {}", touched.text);
    }
    for writable in ["/etc", "/var", "/boot"] {
        let touched = run(&format!("touch {writable}/probe && rm {writable}/probe"));
        assert_eq!(touched.status, 0, "{writable} cannot be written: {}", touched.text);
    }
    failed_units(shell, may_fail);
}
