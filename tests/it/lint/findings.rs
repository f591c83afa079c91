//! What some checks say, word for word.

use std::fs;

use diskwright_tests::fixture::{Image, Layer};
use diskwright_tests::judge::judge;
use serde_json::json;

use crate::lint::images::{DRIVERS, MODULES, good, module, over, without};
use crate::lint::reports::{counts, found, report};

#[test]
fn the_lines_that_are_told_are_those_that_were_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layer = || {
        Layer::new()
            .file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/bash\napp:x:9:8:An \"App\", 5%:/a b:\n")
            .file("etc/group", 0o644, b"root:x:0:\nshared:x:8:app\n")
            .directory("var/lib/", 0o755)
            .directory("var/lib/a b/", 0o750)
            .symlink("var/lib/link", "../cache")
    };
    let before = report(path, &over(layer()).write(&path.join("before")), &[]);
    let lines = |check: &str| -> String {
        let told = found(&before, "findings", check).into_iter();
        told.map(|(_, told)| format!("{}\n", told.split('`').nth(1).unwrap())).collect()
    };
    let (tmpfiles, sysusers) = (lines("var-tmpfiles"), lines("sysusers"));
    let expected =
        "d /var/lib 0755 root root - -\nd \"/var/lib/a b\" 0750 root root - -\nL /var/lib/link - - - - ../cache\n";
    assert_eq!(tmpfiles, expected);
    let expected = "u root 0 \"root\" /root /bin/bash\nu app 9:shared \"An \\\"App\\\", 5%%\" \"/a b\" /bin/sh\n\
                    g root 0\ng shared 8\n";
    assert_eq!(sysusers, expected);
    let after = layer().file("usr/lib/tmpfiles.d/a.conf", 0o644, tmpfiles.as_bytes()).file(
        "usr/lib/sysusers.d/a.conf",
        0o644,
        sysusers.as_bytes(),
    );
    let after = report(path, &over(after).write(&path.join("after")), &[]);
    assert_eq!(counts(&after), [0, 0, 0], "{after:#}");
}

#[test]
fn units_that_are_masked_told_already_or_only_preset_are_not_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let wants = "etc/systemd/system/multi-user.target.wants";
    let layer = Layer::new()
        .symlink("etc/systemd/system/masked.service", "/dev/null")
        .symlink(&format!("{wants}/masked.service"), "../masked.service")
        .symlink(&format!("{wants}/gone.service"), "/usr/lib/systemd/system/gone.service")
        .symlink(&format!("{wants}/late.service"), "/run/late.service")
        .symlink(&format!("{wants}/dev-disk.device"), "../dev-disk.device")
        .symlink("usr/lib/systemd/system/default.target", "graphical.target")
        .file("usr/lib/systemd/system/multi-user.target", 0o644, b"[Unit]\n")
        .file("usr/lib/systemd/system-preset/90-a.preset", 0o644, b"enable absent.service\n");
    let report = report(path, &over(layer).write(&path.join("image")), &[]);
    assert_eq!(found(&report, "findings", "units-missing"), [], "{report:#}");
    let told: Vec<_> = found(&report, "findings", "dangling-unit-links").into_iter().map(|(path, _)| path).collect();
    let expected = [
        "/etc/systemd/system/multi-user.target.wants/dev-disk.device",
        "/etc/systemd/system/multi-user.target.wants/gone.service",
        "/usr/lib/systemd/system/default.target",
    ];
    assert_eq!(told, expected, "{report:#}");
}

#[test]
fn what_depmod_has_listed_is_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let kernel = path.join("root/lib/modules/6.12.1");
    fs::create_dir_all(kernel.join("kernel")).unwrap();
    fs::write(kernel.join("modules.builtin"), "kernel/virtio_pci.ko\n").unwrap();
    fs::write(kernel.join("modules.order"), "").unwrap();
    for name in &DRIVERS[1..] {
        fs::write(kernel.join(format!("kernel/{name}.ko")), module(62, "6.12.1 SMP ")).unwrap();
    }
    let root = path.join("root");
    let _ = judge("depmod", ["-b".as_ref(), root.as_os_str(), "6.12.1".as_ref()]).passed();
    let mut layer = Layer::new();
    for name in fs::read_dir(&kernel).unwrap().map(|entry| entry.unwrap()).filter(|it| it.path().is_file()) {
        let name = name.file_name().into_string().unwrap();
        layer = layer.file(&format!("{MODULES}/{name}"), 0o644, &fs::read(kernel.join(&name)).unwrap());
    }
    for name in &DRIVERS[1..] {
        layer = layer.file(&format!("{MODULES}/kernel/{name}.ko"), 0o644, &module(62, "6.12.1 SMP "));
    }
    let report = report(path, &over(layer).write(&path.join("image")), &[]);
    for check in ["kernel-modules", "modules-index", "boot-drivers-missing"] {
        assert!(found(&report, "findings", check).is_empty(), "{report:#}");
    }
    // The good image's initramfs has none of them.
    let late = found(&report, "findings", "boot-drivers");
    assert_eq!(late.len(), DRIVERS.len() - 1, "{report:#}");
    assert!(late.iter().any(|(_, told)| told.starts_with("nvme is not in it, only in the image: ")), "{late:#?}");
    let findings = report["findings"].as_array().unwrap();
    let fix = findings.iter().find(|finding| finding["check"] == "boot-drivers").unwrap()["fix"].as_str().unwrap();
    for words in ["--add-drivers \"", " nvme ", "usb_storage", "\" --kver"] {
        assert!(fix.contains(words), "no `{words}` in {fix}");
    }
}

#[test]
fn sizes_are_told_by_directory_layer_and_package() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let status = "Package: big\nStatus: install ok installed\nVersion: 1.2\nInstalled-Size: 2048\n\n\
                  Package: small\nStatus: install ok installed\nVersion: 3\nInstalled-Size: 1\n";
    let first = good()
        .file("usr/share/replaced", 0o644, &[1; 100_000])
        .file("usr/share/removed", 0o644, &[2; 300_000])
        .file("usr/share/kept", 0o644, &[3; 700_000])
        .hard_link("usr/share/kept-too", "usr/share/kept")
        .file("var/lib/dpkg/status", 0o644, status.as_bytes());
    let second = without(Layer::new(), "usr/share/removed").file("usr/share/replaced", 0o644, &[4; 50_000]);
    let source = Image::new(vec![first, second]).write(&path.join("image"));
    let report = report(path, &source, &[]);
    let layers = report["layers"].as_array().unwrap();
    let hidden: Vec<_> = layers.iter().map(|layer| json!([layer["hidden_files"], layer["hidden_bytes"]])).collect();
    assert_eq!(hidden, [json!([2, 400_000]), json!([0, 0])]);
    assert_eq!(layers[1]["bytes"], 50_000);
    let by_layer = found(&report, "findings", "size-by-layer");
    assert!(by_layer[0].1.starts_with("layer 1 of 2 (sha256:"), "{by_layer:?}");
    assert!(by_layer[0].1.ends_with("in 2 files hidden by later layers"), "{by_layer:?}");
    // The largest comes first, and a file with two names counts once.
    let by_directory = found(&report, "findings", "size-by-directory");
    assert_eq!(by_directory[0], ("/usr/share", "732.4 KiB in 2 files"), "{by_directory:?}");
    let by_package: Vec<_> = found(&report, "findings", "size-by-package").into_iter().map(|(_, told)| told).collect();
    assert_eq!(by_package, ["2 MiB: big 1.2", "1 KiB: small 3"]);
}
