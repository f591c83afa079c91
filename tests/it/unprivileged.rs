//! A build needs no privilege, no network, no device and no other program.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use diskwright_tests::command::{Run, program};
use diskwright_tests::fixture::tiny;
use diskwright_tests::judge::judge;

/// As root: an ordinary user without any capability, an empty network, and a `/dev` without kvm and loop devices.
const CAGE: &str = r#"
set -eu
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
test ! -e /dev/kvm && test ! -e /dev/loop0 && test ! -e /dev/loop-control
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
    sh -c 'grep -q "^CapEff:[[:space:]]*0*$" /proc/self/status && ! ip -o link 2>/dev/null | grep -v LOOPBACK && exec "$@"' sh "$@"
"#;

#[test]
fn a_build_runs_as_nobody_without_network_and_devices() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let source = tiny(path);
    let out = path.join("out");
    fs::create_dir(&out).unwrap();
    let tool = path.join("diskwright");
    fs::copy(program(), &tool).unwrap();
    let root = judge("id", ["-u"]).stdout.trim() == "0";
    let mut command = Command::new("unshare");
    if root {
        chown(&out, Some(65534), Some(65534)).unwrap();
        command.args(["--net", "--mount", "sh", "-c", CAGE, "sh"]);
    } else {
        // Already nobody special: a user name space takes the network away, and devices need root anyway.
        command.args(["--user", "--net"]);
    }
    let run: Run = command
        .arg(&tool)
        .args(["build", &source, "--platform", "linux/amd64", "--quiet", "-o"])
        .arg(out.join("disk.raw"))
        .current_dir(&out)
        .output()
        .expect("unshare is a part of util-linux")
        .into();
    let _ = run.succeeded();
    assert!(out.join("disk.raw").is_file());
}

#[test]
fn a_build_starts_no_program_and_opens_no_socket() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let trace = directory.path().join("trace");
    let output = directory.path().join("disk.raw");
    let arguments = [
        "--follow-forks".as_ref(),
        "--trace=execve,execveat,socket,mount,unshare,setns,chown,lchown,fchown,fchownat,mknod,mknodat,ioctl".as_ref(),
        "--output".as_ref(),
        trace.as_os_str(),
        program().as_os_str(),
        "build".as_ref(),
        source.as_ref(),
        "--platform=linux/amd64".as_ref(),
        "--quiet".as_ref(),
        "--output".as_ref(),
        output.as_os_str(),
    ];
    let _ = judge("strace", arguments).passed();
    let trace = fs::read_to_string(trace).unwrap();
    // A signal pipe is a pair of sockets without an address, made by `socketpair`, which is not traced.
    let calls: Vec<_> = trace
        .lines()
        .filter(|line| line.contains('('))
        .filter(|line| !line.contains("TCGETS") && !line.contains("TIOCGWINSZ"))
        .collect();
    assert_eq!(calls.len(), 1, "besides its own start:\n{trace}");
    assert!(calls[0].contains("execve("), "{trace}");
}
