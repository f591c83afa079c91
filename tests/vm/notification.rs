//! Systems that tell by themselves that they are up, whatever their console says.

use serde_json::{Value, json};

use crate::machine::disk;
use crate::smoke::smoke;

/// A kernel that says nothing on the serial console, and systemd neither: what an image without `console=ttyS0` has.
const SILENT: [&str; 4] =
    ["--karg-delete", "console=ttyS0,115200", "--karg", "systemd.mount-extra=none:/var/nothing:nosuchfs:nofail"];

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_system_with_a_silent_console_tells_that_it_is_up_and_what_failed() {
    let disk = disk("mini", &SILENT);
    let smoked = smoke(&disk.path, &["--no-login"]);
    smoked.has("units-failed", 29, "target", "");
    let machine = smoked.machine();
    let console = machine["last_lines"].as_array().unwrap();
    assert!(!console.iter().any(|line| line.as_str().unwrap().contains("systemd")), "{}", smoked.run.stdout);
    let told = &machine["notification"];
    let units = json!(["var-nothing.mount"]);
    assert_eq!((&told["state"], &told["failed_units"]), (&"degraded".into(), &units), "{}", smoked.run.stdout);
    assert_eq!((&machine["failed_units"], &machine["units_asked"]), (&units, &Value::Bool(true)));
    let last = machine["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["stage"], &last["line"]), (&"target".into(), &"READY=1".into()), "{}", smoked.run.stdout);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn nobody_tells_where_nobody_is_to() {
    let disk = disk("mini", &[]);
    let smoked = smoke(&disk.path, &["--no-login", "--no-notification"]);
    smoked.has("target-reached", 0, "target", "");
    let machine = smoked.machine();
    assert_eq!((&machine["notification"], &machine["units_asked"]), (&Value::Null, &Value::Bool(false)));
}
