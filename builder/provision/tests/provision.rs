//! Answers in a system, judged by the tools that will read it.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use support::{Disk, HASH, KEY, first_boot, judge, user};

const TMPFILES: &str = "etc/tmpfiles.d/diskwright-answers.conf";

#[test]
fn tools_of_accounts_find_users_as_if_they_had_made_them() {
    let disk = Disk::new();
    disk.file("etc/skel/bin/tool", "#!");
    disk.link("etc/skel/latest", "bin/tool");
    fs::set_permissions(disk.path("etc/skel/bin/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    let answers =
        user(&format!("gecos = 'Anna, Ä'\ngroups = ['wheel']\nssh-keys = [\"{KEY}\"]\npassword-hash = '{HASH}'"))
            + "[[users]]\nname = 'ben'\nuid = 1000\n"
            + &format!("[[users]]\nname = 'root'\npassword-hash = '{HASH}'\nssh-keys = [\"{KEY}\"]\n");
    assert_eq!(disk.provision(&answers).unwrap(), [""; 0]);
    // The one who asked for a number has it.
    let passwd = disk.text("etc/passwd");
    let expected = "anna:x:1001:1001:Anna, Ä:/var/home/anna:/bin/bash\nben:x:1000:1000::/var/home/ben:/bin/bash\n";
    assert!(passwd.ends_with(expected), "{passwd}");
    assert!(passwd.starts_with("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n"));
    let shadow = disk.text("etc/shadow");
    let expected = format!(
        "root:{HASH}::0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nanna:{HASH}::0:99999:7:::\nben:*::0:99999:7:::\n"
    );
    assert_eq!(shadow, expected);
    assert_eq!(disk.mode("etc/shadow"), 0o640);
    assert!(disk.text("etc/group").contains("\nwheel:x:10:anna\n"));
    assert!(disk.text("etc/gshadow").contains("\nwheel:!::anna\n"));
    assert_eq!(disk.text("etc/subuid"), "anna:100000:65536\nben:165536:65536\n");
    assert!(!disk.path("etc/subgid").exists());

    first_boot(&disk, &disk.path(TMPFILES));
    first_boot(&disk, &disk.path("etc/tmpfiles.d/bootc-root-ssh.conf"));
    for home in ["var/home/anna", "var/home/ben", "var/roothome"] {
        assert_eq!(disk.mode(home), if home == "var/roothome" { 0o755 } else { 0o700 }, "{home}");
    }
    for (path, id) in [
        ("var/home/anna", 1001),
        ("var/home/anna/.profile", 1001),
        ("var/home/anna/bin/tool", 1001),
        ("var/home/anna/latest", 1001),
        ("var/home/anna/.ssh/authorized_keys", 1001),
        ("var/home/ben/.profile", 1000),
        ("var/roothome/.ssh/authorized_keys", 0),
    ] {
        let stat = fs::symlink_metadata(disk.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!((stat.uid(), stat.gid()), (id, id), "{path}");
    }
    assert_eq!((disk.mode("var/home/anna/bin/tool"), disk.mode("etc/diskwright/homes")), (0o755, 0o700));
    for home in ["var/home/anna", "var/roothome"] {
        assert_eq!(disk.mode(&format!("{home}/.ssh")), 0o700);
        let keys = format!("{home}/.ssh/authorized_keys");
        assert_eq!(disk.mode(&keys), 0o600);
        let said = judge("ssh-keygen", ["-l".as_ref(), "-f".as_ref(), disk.path(&keys).as_os_str()]);
        assert!(said.starts_with("256 SHA256:") && said.contains("anna@desk"), "{said}");
    }
    // With the homes that are there now: one that is missing is a fault, too.
    for tool in ["pwck", "grpck"] {
        let _ = judge(tool, ["-r".as_ref(), "-R".as_ref(), disk.path("").as_os_str()]);
    }

    // What the owner makes of the home stays at the next boot.
    fs::set_permissions(disk.path("var/home/anna"), fs::Permissions::from_mode(0o711)).unwrap();
    fs::remove_file(disk.path("var/home/anna/.ssh/authorized_keys")).unwrap();
    first_boot(&disk, &disk.path(TMPFILES));
    assert_eq!(disk.mode("var/home/anna"), 0o711);
    assert!(!disk.path("var/home/anna/.ssh/authorized_keys").exists());
}

#[test]
fn numbers_and_names_that_anyone_has_are_not_given_again() {
    for (path, text, line) in [
        ("usr/lib/passwd", "core:x:1000:1000::/:/bin/sh\n", "anna:x:1001:1001:"),
        ("usr/lib/group", "core:x:1000:\n", "anna:x:1001:1001:"),
        ("usr/lib/sysusers.d/a.conf", "#\nu app 1000:1001 \"x\"\ng\n", "anna:x:1002:1002:"),
        ("usr/lib/sysusers.d/a.conf", "g app 1000\nu! b /file\n", "anna:x:1001:1001:"),
        ("etc/login.defs", "# UID_MIN 7\nUID_MIN\t\t 5000\n", "anna:x:5000:5000:"),
    ] {
        let disk = Disk::new();
        disk.file(path, text);
        disk.provision(&user("")).unwrap();
        assert!(disk.text("etc/passwd").contains(line), "{path}: {}", disk.text("etc/passwd"));
    }
    // A number that is only taken as a group's.
    let disk = Disk::new();
    disk.file("usr/lib/group", "core:x:1500:\n");
    disk.provision(&user("uid = 1500")).unwrap();
    assert!(disk.text("etc/passwd").contains("anna:x:1500:1000:"));
}

#[test]
fn groups_of_the_image_alone_are_taken_over() {
    let disk = Disk::new();
    disk.file("usr/lib/group", "dialout:x:18:core\n");
    disk.provision(&user("groups = ['dialout']")).unwrap();
    assert!(disk.text("etc/group").ends_with("\nanna:x:1000:\ndialout:x:18:core,anna\n"));
    assert!(disk.text("etc/gshadow").ends_with("\nanna:!::\ndialout:!::anna\n"));
    assert_eq!(disk.text("usr/lib/group"), "dialout:x:18:core\n");
}

#[test]
fn homes_are_where_the_system_can_make_them() {
    for (link, fstab, home) in [
        (Some("var/home"), "", "/var/home/anna"),
        (Some("/var/home"), "", "/var/home/anna"),
        (Some("../sysroot/home/"), "", "/sysroot/home/anna"),
        (None, "", "/var/home/anna"),
        (None, "# UUID=1 /home ext4\n", "/var/home/anna"),
        (None, "UUID=1 /home ext4 defaults 0 0\n", "/home/anna"),
    ] {
        let disk = Disk::new();
        disk.file("etc/fstab", fstab);
        fs::remove_file(disk.path("home")).unwrap();
        match link {
            Some(target) => disk.link("home", target),
            None => fs::create_dir(disk.path("home")).unwrap(),
        }
        disk.provision(&user("")).unwrap();
        assert!(disk.text("etc/passwd").contains(&format!("::{home}:/bin/bash\n")), "{}", disk.text("etc/passwd"));
        assert!(disk.text(TMPFILES).contains(&format!("C {home} - 1000 1000 - /etc/diskwright/homes/anna\n")));
    }
}

#[test]
fn keys_of_root_join_those_that_a_build_gave() {
    let disk = Disk::new();
    let other = KEY.replace("anna", "build");
    let known = judge("sh", ["-c", "printf '%s\\n' \"$1\" | base64 -w0", "sh", &other]);
    let line = format!("f~ /var/roothome/.ssh/authorized_keys 0600 root root - {known}\n");
    disk.file("etc/tmpfiles.d/bootc-root-ssh.conf", &line);
    disk.provision(&format!("[[users]]\nname = 'root'\nssh-keys = [\"{KEY}\", \"{other}\"]\n")).unwrap();
    first_boot(&disk, &disk.path("etc/tmpfiles.d/bootc-root-ssh.conf"));
    assert_eq!(disk.text("var/roothome/.ssh/authorized_keys"), format!("{other}\n{KEY}\n"));
    assert!(!disk.path(TMPFILES).exists());
}

#[test]
fn settings_are_where_their_readers_look() {
    let disk = Disk::new();
    disk.file("usr/share/kbd/keymaps/i386/qwertz/de.map.gz", "");
    disk.file("etc/default/keyboard", "XKBMODEL=\"pc104\"\nXKBLAYOUT=\"us\"\nBACKSPACE=\"guess\"\n");
    disk.link("etc/vconsole.conf", "default/keyboard");
    disk.file("usr/share/systemd/kbd-model-map", "de\tde\tpc105\t-\tterminate:ctrl_alt_bksp\n");
    disk.file("etc/locale.conf", "LANG=C\nLC_TIME=C\n");
    disk.link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
    disk.file("etc/timezone", "Etc/UTC\n");
    let system = "[system]\nhostname = 'web1'\nlocale = 'de_DE.UTF-8'\ntimezone = 'Europe/Berlin'\nkeymap = 'de'\n";
    let notes = disk.provision(system).unwrap();
    assert_eq!(notes, ["the image has no locale de_DE.UTF-8, so programs will speak English as without one"]);
    assert_eq!(disk.text("etc/hostname"), "web1\n");
    assert_eq!(disk.mode("etc/hostname"), 0o644);
    assert_eq!(disk.text("etc/locale.conf"), "LC_TIME=C\nLANG=de_DE.UTF-8\n");
    assert_eq!(
        disk.text("etc/default/keyboard"),
        "BACKSPACE=\"guess\"\nKEYMAP=de\nXKBLAYOUT=de\nXKBMODEL=pc105\nXKBVARIANT=\nXKBOPTIONS=\"terminate:ctrl_alt_bksp\"\n"
    );
    assert_eq!(fs::read_link(disk.path("etc/vconsole.conf")).unwrap().to_str(), Some("default/keyboard"));
    assert_eq!(
        fs::read_link(disk.path("etc/localtime")).unwrap().to_str(),
        Some("../usr/share/zoneinfo/Europe/Berlin")
    );
    assert_eq!(fs::read_to_string(disk.path("etc/localtime")).unwrap(), "TZif");
    assert_eq!(disk.text("etc/timezone"), "Europe/Berlin\n");

    // Where there is nothing yet, and with a locale of the image.
    let disk = Disk::new();
    disk.file("usr/lib/locale/de_DE.utf8/LC_TIME", "");
    disk.file("usr/share/kbd/keymaps/de.map.gz", "");
    fs::create_dir(disk.path("../fedcba9876543210.0")).unwrap();
    let notes = [
        "the image has no keyboard map us for the console, which keeps its own",
        "the system to roll back to has an /etc of its own, and gets none of these settings",
    ];
    assert_eq!(disk.provision("[system]\nlocale = 'de_DE.UTF-8'\nkeymap = 'us'\n").unwrap(), notes);
    assert_eq!(disk.text("etc/vconsole.conf"), "KEYMAP=us\n");
}

#[test]
fn network_files_are_where_their_service_looks_and_as_secret_as_it_wants() {
    let disk = Disk::new();
    let files = ["w.nmconnection", "w.network", "w.netdev", "w.link"];
    let answers: String =
        files.iter().map(|name| format!("[[network]]\nname = '{name}'\ncontent = '[{name}]'\n")).collect();
    disk.provision(&answers).unwrap();
    for (path, mode, group) in [
        ("etc/NetworkManager/system-connections/w.nmconnection", 0o600, 0),
        ("etc/systemd/network/w.network", 0o644, 0),
        ("etc/systemd/network/w.netdev", 0o640, 998),
        ("etc/systemd/network/w.link", 0o644, 0),
    ] {
        assert_eq!(disk.mode(path), mode, "{path}");
        assert_eq!(fs::metadata(disk.path(path)).unwrap().gid(), group, "{path}");
        assert_eq!(disk.text(path), format!("[{}]\n", path.rsplit('/').next().unwrap()));
    }
    assert_eq!(disk.mode("etc/NetworkManager"), 0o755);
}

#[test]
fn kernel_arguments_are_in_every_boot_entry() {
    let mut disk = Disk::new();
    disk.entry("sysroot/boot/loader.1/entries/ostree-2.conf");
    let answers = "[system]\nkargs = ['console=ttyS1', 'quiet']\n";
    disk.provision(answers).unwrap();
    for name in ["ostree-1.conf", "ostree-2.conf"] {
        let options = disk.options(&format!("sysroot/boot/loader/entries/{name}"));
        assert_eq!(options, "root=UUID=1 ostree=/ostree/boot.1/x console=ttyS1 quiet");
    }
    // systemd-boot has copies.
    disk.loader = "systemd-boot";
    disk.entry("esp/loader/entries/ostree-default-1.conf");
    disk.provision(answers).unwrap();
    let options = disk.options("esp/loader/entries/ostree-default-1.conf");
    assert_eq!(options, "root=UUID=1 ostree=/ostree/boot.1/x console=ttyS1 quiet");
    disk.separate_boot = true;
    let error = disk.provision(answers).unwrap_err().to_string();
    assert!(error.contains("/boot is a partition of its own, and is not mounted"), "{error}");
}
