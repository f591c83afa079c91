//! Images whose settings, services or users are wrong.

use diskwright_tests::fixture::Layer;

use crate::lint::cases::Case;
use crate::lint::images::{APP, COMPOSEFS, INITRAMFS, PREPARE_ROOT, initramfs, labelled, over, without};

pub(super) fn cases() -> Vec<Case> {
    let layer = Layer::new;
    let file = |path: &str, body: &str| over(Layer::new().file(path, 0o644, body.as_bytes()));
    let link = |path: &str, target: &str| Layer::new().symlink(path, target);
    let kargs = "usr/lib/bootc/kargs.d/10-a.toml";
    let install = "usr/lib/bootc/install/00-a.toml";
    let unit = "usr/lib/systemd/system/x.service";
    let wanted = "etc/systemd/system/multi-user.target.wants/x.service";
    let units = || Layer::new().file("usr/lib/systemd/system/default.target", 0o644, b"[Unit]\n");
    let made = "usr/lib/sysusers.d/a.conf";
    let lines = "usr/lib/tmpfiles.d/a.conf";
    let settings = |image: &str, early: &str| {
        over(Layer::new().file(PREPARE_ROOT, 0o644, image.as_bytes()).file(INITRAMFS, 0o644, &initramfs(early)))
    };
    vec![
        ("api-base-directories", "/proc", over(without(layer(), "proc")), over(layer().directory("proc/", 0o555))),
        ("api-base-directories", "/tmp", over(link("tmp", "var/tmp")), over(layer().directory("tmp/", 0o1777))),
        (
            "baseimage-composefs",
            "/usr/lib/ostree/prepare-root.conf",
            settings("", ""),
            settings("[root]\ntransient = true\n", ""),
        ),
        (
            "baseimage-composefs",
            "/usr/share/doc/bootc/baseimage/base/usr/lib/ostree/prepare-root.conf",
            over(layer().directory("usr/share/doc/bootc/baseimage/base/", 0o755)),
            file("usr/share/doc/bootc/baseimage/base/usr/lib/ostree/prepare-root.conf", COMPOSEFS),
        ),
        ("baseimage-root", "/ostree", over(link("ostree", "sysroot/other")), over(link("ostree", "sysroot/ostree"))),
        ("baseimage-root", "/sysroot", over(without(layer(), "sysroot")), over(layer().directory("sysroot/", 0o755))),
        ("bootable-label", "", labelled(&[("version", "1")]), labelled(&[("ostree.bootable", "true")])),
        (
            "bootc-kargs",
            "/usr/lib/bootc/kargs.d/10-a.toml",
            file(kargs, "kargs = ['a']\ncolour = 1\n"),
            file(kargs, "kargs = ['a']\n"),
        ),
        (
            "composefs-value",
            "/usr/lib/ostree/prepare-root.conf",
            settings(COMPOSEFS, "[composefs]\nenabled=signed\n"),
            settings("[composefs]\nenabled=signed\n", COMPOSEFS),
        ),
        (
            "dangling-unit-links",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            over(link(wanted, "/usr/lib/systemd/system/x.service")),
            over(link(wanted, "/usr/lib/systemd/system/x.service").file(unit, 0o644, b"[Unit]\n")),
        ),
        (
            "dangling-unit-links",
            "/usr/local/lib/systemd/system/x.service",
            over(link("usr/local/lib/systemd/system/x.service", "/opt/gone/x.service")),
            over(link("usr/local/lib/systemd/system/x.service", "/opt/gone/x.service").file(
                "opt/gone/x.service",
                0o644,
                b"[Unit]\n",
            )),
        ),
        (
            "dangling-unit-links",
            "/usr/share/systemd/user/x.service",
            over(link("usr/share/systemd/user/x.service", "/opt/gone/x.service")),
            over(link("usr/share/systemd/user/x.service", "/dev/null")),
        ),
        (
            "install-config",
            "/usr/lib/bootc/install/00-a.toml",
            file(install, "[install]\nkargs = 'x'\n"),
            file(install, "[install]\nkargs = ['x']\n"),
        ),
        (
            "install-config",
            "/etc/bootc/install/00-a.toml",
            file("etc/bootc/install/00-a.toml", "["),
            file("etc/bootc/install/00-a.conf", "["),
        ),
        (
            "install-config-ignored",
            "/usr/lib/bootc/install/00-a.toml",
            file(install, "[install]\nroot-fs-type = 'xfs'\n"),
            file(install, "[install]\nroot-fs-type = 'ext4'\n"),
        ),
        (
            "lint-allow",
            "/usr/lib/diskwright/lint.allow",
            file("usr/lib/diskwright/lint.allow", "set-uid\n"),
            file("usr/lib/diskwright/lint.allow", "setuid\n"),
        ),
        (
            "os-release",
            "",
            over(without(layer(), "usr/lib/os-release")),
            over(without(layer(), "usr/lib/os-release").file("etc/os-release", 0o644, b"ID=x\n")),
        ),
        (
            "os-release-fields",
            "/usr/lib/os-release",
            file("usr/lib/os-release", "ID=x\nPRETTY_NAME=X\n"),
            file("usr/lib/os-release", "ID=x\nPRETTY_NAME=X\nVERSION_ID=2\n"),
        ),
        (
            "os-release-fields",
            "/etc/os-release",
            over(without(layer(), "usr/lib/os-release").file(
                "etc/os-release",
                0o644,
                b"ID=\"My OS\"\nPRETTY_NAME=X\nVERSION_ID=2\n",
            )),
            over(layer()),
        ),
        (
            "sysusers",
            "/etc/passwd",
            file("etc/passwd", APP),
            over(layer().file("etc/passwd", 0o644, APP.as_bytes()).file(made, 0o644, b"u app 999\n")),
        ),
        (
            "sysusers",
            "/etc/group",
            over(layer().file("etc/passwd", 0o644, b"").file("etc/group", 0o644, b"app:x:999:\n")),
            over(layer().file("etc/passwd", 0o644, b"").file("etc/group", 0o644, b"app:x:999:\n").file(
                made,
                0o644,
                b"g app 999\n",
            )),
        ),
        // Whatever systemd makes of it, bootc looks in one place only.
        (
            "sysusers",
            "/etc/passwd",
            over(layer().file("etc/passwd", 0o644, APP.as_bytes()).file("etc/sysusers.d/a.conf", 0o644, b"u app\n")),
            file("etc/group", "app:x:999:\n"),
        ),
        (
            "sysusers",
            "/etc/passwd",
            over(layer().file("etc/passwd", 0o644, APP.as_bytes()).file("etc/sysusers.d/a.conf", 0o644, b"u app\n")),
            over(
                layer()
                    .file("etc/passwd", 0o644, APP.as_bytes())
                    .file(made, 0o644, b"u app 999\n")
                    .symlink("etc/sysusers.d/a.conf", "/dev/null"),
            ),
        ),
        ("sysusers-syntax", "/usr/lib/sysusers.d/a.conf", file(made, "u app 0x3\n"), file(made, "u app 3\n")),
        (
            "tmpfiles-syntax",
            "/usr/lib/tmpfiles.d/a.conf",
            file(lines, "d /var/app 0855\n"),
            file(lines, "d /var/app 0755\n"),
        ),
        ("tmpfiles-syntax", "/usr/lib/tmpfiles.d/a.conf", over(link(lines, "nowhere")), over(link(lines, "/dev/null"))),
        (
            "units-missing",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            over(units().symlink(wanted, "/usr/share/app/x.service").file(
                "usr/share/app/x.service",
                0o644,
                b"[Unit]\n",
            )),
            over(units().symlink(wanted, "/usr/share/app/x.service").file(unit, 0o644, b"[Unit]\n")),
        ),
        // A unit is found by its name: a link to where something may come brings none.
        (
            "units-missing",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            over(units().symlink(wanted, "/var/lib/x.service")),
            over(units().symlink(wanted, "/var/lib/x.service").file(unit, 0o644, b"[Unit]\n")),
        ),
        (
            "units-missing",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            over(units().symlink(wanted, "/var/lib/x.service")),
            over(units().symlink(wanted, "/run/systemd/generator/x.service")),
        ),
        // What the other check tells of, or what may come as its file, is not told of again.
        (
            "units-missing",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            over(units().symlink(wanted, "/var/lib/x.service")),
            over(units().symlink(wanted, "../x.service").symlink("etc/systemd/system/x.service", "/var/lib/x.service")),
        ),
        (
            "units-missing",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            over(units().symlink(wanted, "/var/lib/x.service")),
            over(units().symlink(wanted, "/var/lib/x.service").symlink(unit, "/opt/gone")),
        ),
        // The directory is elsewhere, where only systemd looks for units.
        (
            "units-missing",
            "/usr/local/lib/systemd/system/x.service",
            over(
                units()
                    .symlink("usr/local/lib/systemd/system", "/usr/share/app/units")
                    .symlink("usr/share/app/units/x.service", "/opt/gone/x.service"),
            ),
            over(
                units()
                    .symlink("usr/local/lib/systemd/system", "/usr/share/app/units")
                    .symlink("usr/share/app/units/x.service", "/var/lib/x.service"),
            ),
        ),
        (
            "units-missing",
            "/usr/lib/systemd/system/default.target",
            file(unit, "[Unit]\n"),
            over(units().file(unit, 0o644, b"[Unit]\n")),
        ),
        ("var-log", "/var/log/apt/history.log", file("var/log/apt/history.log", "x"), file("var/log/wtmp", "")),
        (
            "var-tmpfiles",
            "/var/lib/app",
            over(layer().directory("var/lib/app/", 0o750)),
            over(layer().directory("var/lib/app/", 0o750).file(lines, 0o644, b"d /var/lib\nd /var/lib/app\n")),
        ),
        (
            "var-tmpfiles",
            "/var/app/state",
            over(layer().file("var/app/state", 0o644, b"").file(lines, 0o644, b"d /var/app\n")),
            over(layer().file("var/app/state", 0o644, b"").file(lines, 0o644, b"d /var/app\nf /var/app/state\n")),
        ),
        (
            "var-tmpfiles",
            "/var/link",
            over(link("var/link", "x").file("etc/tmpfiles.d/a.conf", 0o644, b"L /var/link - - - - x\n")),
            over(link("var/link", "x").file(lines, 0o644, b"L /var/link - - - - x\n")),
        ),
        // Nor does it mind what replaces or repeats a line elsewhere.
        (
            "var-tmpfiles",
            "/var/lib",
            over(layer().directory("var/lib/", 0o755).file("etc/tmpfiles.d/a.conf", 0o644, b"d /var/lib 0700\n")),
            over(layer().directory("var/lib/", 0o755).file("etc/tmpfiles.d/a.conf", 0o644, b"d /var/lib 0700\n").file(
                lines,
                0o644,
                b"d /var/lib 0755\n",
            )),
        ),
        (
            "var-tmpfiles",
            "/var/lib",
            over(layer().directory("var/lib/", 0o755).file("etc/tmpfiles.d/0.conf", 0o644, b"d /var/lib 0700\n")),
            over(layer().directory("var/lib/", 0o755).file("etc/tmpfiles.d/0.conf", 0o644, b"d /var/lib 0700\n").file(
                lines,
                0o644,
                b"d /var/lib 0755\n",
            )),
        ),
        ("var-run", "/var/run", over(layer().directory("var/run/", 0o755)), over(link("var/run", "../run"))),
    ]
}
