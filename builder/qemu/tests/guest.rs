//! A Linux guest: Debian's kernel and busybox, started without a disk.
//!
//! Ignored unless asked for, because a kernel package is much to ask of a machine that only builds. It takes the kernel
//! named by `DISKWRIGHT_TEST_KERNEL`, or the first one in `/boot`:
//! `cargo test -p builder-qemu --test guest -- --ignored`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use builder_qemu::{
    Architecture, Credential, DirectKernel, Firmware, Machine, MachineBuilder, OnReboot, Pattern, QemuError,
};

/// Measured: 3 to 5 s from start to prompt on a quiet host.
const LIMIT: Duration = Duration::from_secs(120);

const INIT: &str = r#"#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "guest is up"
while :; do
    case $(cat /proc/cmdline) in
    *mode=login*) setsid getty -L ttyS0 115200 vt100 ;;
    *mode=panic*) exit 1 ;;
    *) setsid cttyhack sh ;;
    esac
done
"#;

fn kernel() -> PathBuf {
    if let Some(path) = std::env::var_os("DISKWRIGHT_TEST_KERNEL") {
        return path.into();
    }
    let mut kernels: Vec<PathBuf> = fs::read_dir("/boot")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("vmlinuz-"))
        .collect();
    kernels.sort();
    kernels.into_iter().next().expect("install the Debian package `linux-image-cloud-amd64`")
}

/// An initramfs of busybox (Debian package `busybox-static`), packed by `cpio` (package `cpio`).
fn initramfs(folder: &Path) -> PathBuf {
    let root = folder.join("root");
    for directory in ["bin", "dev", "etc", "proc", "sys", "root"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    let busybox = busybox.expect("install the Debian package `busybox-static`");
    fs::copy(busybox, root.join("bin/busybox")).unwrap();
    let applets = Command::new(busybox).arg("--list").output().unwrap();
    for applet in String::from_utf8(applets.stdout).unwrap().lines().filter(|name| *name != "busybox") {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    // The password is "geheim"; DES, because every busybox has it.
    let password = "root:abOkmxXhjDb.Y:0:0:root:/root:/bin/sh\n";
    fs::write(root.join("etc/passwd"), password).unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\n").unwrap();
    fs::write(root.join("init"), INIT).unwrap();
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755)).unwrap();
    let archive = folder.join("initramfs.cpio");
    let mut pack = Command::new("sh");
    pack.args(["-c", "find . | cpio --quiet -o -H newc -R 0:0"]).current_dir(&root);
    pack.stdout(Stdio::from(fs::File::create(&archive).unwrap()));
    assert!(pack.status().unwrap().success(), "install the Debian package `cpio`");
    archive
}

fn machine(folder: &Path, mode: &str) -> MachineBuilder {
    Machine::builder(Architecture::X86_64).memory_mib(512).firmware(Firmware::BuiltIn).direct_kernel(DirectKernel {
        kernel: kernel(),
        initramfs: Some(initramfs(folder)),
        command_line: format!("console=ttyS0 panic=-1 mode={mode}"),
    })
}

#[test]
#[ignore = "needs a kernel, busybox-static and cpio"]
fn a_root_shell_runs_commands_and_powers_off() {
    let folder = tempfile::tempdir().unwrap();
    let credential = Credential::new("test.words", "one, two").unwrap();
    let mut running = machine(folder.path(), "shell").credential(credential).build().unwrap().start().unwrap();
    running.stage("kernel");
    running.expect_or_fail(&Pattern::literal("guest is up"), &["Kernel panic"], LIMIT).unwrap();
    let mut shell = running.shell(LIMIT).unwrap();
    for (command, status, text) in [
        ("id -u", 0, "0"),
        ("echo one; echo two >&2; (exit 3)", 3, "one\ntwo"),
        ("cat /nothing", 1, "cat: can't open '/nothing': No such file or directory"),
        ("grep -ao 'io.systemd.credential:test.words=one, two' /sys/firmware/dmi/tables/DMI | wc -l", 0, "1"),
        ("if then", 2, "sh: eval: syntax error: unexpected \"then\""),
        ("echo alive", 0, "alive"),
    ] {
        let output = shell.run(command, LIMIT).unwrap();
        assert_eq!((output.status, output.text.as_str()), (status, text), "{command}");
    }
    let many = shell.check("seq 20000", LIMIT).unwrap();
    assert_eq!(many.lines().count(), 20000);
    assert!(many.lines().enumerate().all(|(index, line)| line == (index + 1).to_string()));
    let long = "x".repeat(3900);
    assert_eq!(shell.check(&format!("echo {long}"), LIMIT).unwrap(), long);
    let error = shell.run(&"x".repeat(4001), LIMIT).unwrap_err();
    assert!(matches!(error, QemuError::Command { .. }), "{error}");
    assert!(shell.power_off(LIMIT).unwrap().success());
}

#[test]
#[ignore = "needs a kernel, busybox-static and cpio"]
fn login_takes_the_right_password_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = machine(folder.path(), "login").build().unwrap().start().unwrap();
    let Err(error) = running.login("root", Some("falsch"), LIMIT) else { panic!("a wrong password was taken") };
    assert!(matches!(&error, QemuError::GuestFailed { found, .. } if found == "Login incorrect"), "{error}");
    let mut shell = running.login("root", Some("geheim"), LIMIT).unwrap();
    assert_eq!(shell.check("id -un; pwd", LIMIT).unwrap(), "root\n/root");

    // A caller that has waited for the prompt itself.
    running.reset().unwrap();
    running.expect(&Pattern::literal("login: "), LIMIT).unwrap();
    running.login("root", Some("geheim"), LIMIT).unwrap().check("true", LIMIT).unwrap();
}

#[test]
#[ignore = "needs a kernel, busybox-static and cpio"]
fn a_kernel_panic_ends_the_wait() {
    let folder = tempfile::tempdir().unwrap();
    let machine = machine(folder.path(), "panic").on_reboot(OnReboot::Exit);
    let mut running = machine.build().unwrap().start().unwrap();
    let hour = Duration::from_secs(3600);
    let error = running.expect_or_fail(&Pattern::literal("login: "), &["Kernel panic"], hour).unwrap_err();
    assert!(error.to_string().contains("Attempted to kill init"), "{error}");
    assert!(running.wait_for_exit(LIMIT).unwrap().success());
}
