//! What is refused: what an image does not have, and what it would lead somewhere else.

mod support;

use std::fs;

use support::{Disk, judge, user};

#[test]
fn what_cannot_be_is_refused_before_anything_is_changed() {
    let network = "[[network]]\nname = 'a.nmconnection'\ncontent = '[x]'\n";
    /// Answers, what is done to the system before, and words of the error; none where there is none.
    type Case = (String, fn(&Disk), &'static str);
    let cases: Vec<Case> = vec![
        (
            user("groups = ['docker']"),
            |_| {},
            "user anna cannot be in the group docker, which the image does not have; it has daemon, root, shadow, systemd-network, wheel",
        ),
        (
            user(""),
            |disk| disk.file("usr/lib/passwd", "anna:x:7:7::/:/bin/sh\n"),
            "the image has a user anna already, in /usr/lib/passwd",
        ),
        (user(""), |disk| disk.file("etc/group", "anna:x:7:\n"), "the image has a group anna already, in /etc/group"),
        (
            user(""),
            |disk| disk.file("usr/lib/sysusers.d/x.conf", "u anna - -\n"),
            "a user anna already, in /usr/lib/sysusers.d/x.conf",
        ),
        (
            user("uid = 1234"),
            |disk| disk.file("usr/lib/passwd", "core:x:1234:7::/:/bin/sh\n"),
            "user anna cannot have the id 1234",
        ),
        (
            user(""),
            |disk| disk.file("etc/login.defs", "UID_MIN 10\nUID_MAX 10\nX"),
            "there is no free id for user anna in 10 to 10",
        ),
        (user("shell = '/bin/fish'"), |_| {}, "the image has no /bin/fish, which is to be the shell of user anna"),
        (user("shell = '/bin/x'"), |disk| disk.link("usr/bin/x", "/../../../../../../../../bin/sh"), ""),
        ("[system]\ntimezone = 'Mars/Olympus'\n".into(), |_| {}, "the image has no time zone Mars/Olympus"),
        ("[system]\ntimezone = 'Europe'\n".into(), |_| {}, "the image has no time zone Europe"),
        (
            network.into(),
            |disk| fs::remove_file(disk.path("usr/sbin/NetworkManager")).unwrap(),
            "the image has no NetworkManager, which would read a.nmconnection",
        ),
        (
            "[system]\nhostname = 'a'\n".into(),
            |disk| disk.file("usr/lib/ostree/prepare-root.conf", "[etc]\ntransient = true\n"),
            "the image makes /etc anew at every boot",
        ),
        (
            "[system]\nkargs = ['quiet']\n".into(),
            |disk| fs::remove_dir_all(disk.sysroot().join("boot/loader.1/entries")).unwrap(),
            "there is no boot entry in /boot/loader/entries",
        ),
        // What an image can do to get its hands on something outside.
        (
            "[system]\nhostname = 'a'\n".into(),
            |disk| disk.link("etc/hostname", "../../../../../../../outside/x"),
            "/etc/hostname is a link to ../../../../../../../outside/x, which is not in /etc",
        ),
        (
            "[system]\nhostname = 'a'\n".into(),
            |disk| disk.link("etc/hostname", "../usr/lib/os-release"),
            "/etc/hostname is a link to ../usr/lib/os-release",
        ),
        (
            "[system]\nhostname = 'a'\n".into(),
            |disk| disk.link("etc/hostname", "hostname"),
            "/etc/hostname is behind too many links",
        ),
        (user(""), |disk| disk.link("etc/passwd", "/usr/lib/passwd"), "/etc/passwd is a link to /usr/lib/passwd"),
        (user(""), |disk| disk.link("usr/lib/passwd", "/proc/self/environ"), ""),
        (
            user(""),
            |disk| {
                fs::remove_file(disk.path("etc/shadow")).unwrap();
                let _ = judge("mkfifo", [disk.path("etc/shadow")]);
            },
            "/etc/shadow is no regular file",
        ),
        (
            user(""),
            |disk| disk.file("etc/passwd", &"x".repeat(2 << 20)),
            "/etc/passwd has more than the 1048576 bytes that are read",
        ),
        (
            user(""),
            |disk| {
                let _ = judge("mkfifo", [disk.path("etc/skel/x")]);
            },
            "/etc/skel/x is no regular file",
        ),
        (
            user(""),
            |disk| (0..20).for_each(|n| disk.file(&format!("etc/skel/{n}"), &"x".repeat(1 << 20))),
            "is too much for what new homes have",
        ),
        (
            user(""),
            |disk| disk.file(&format!("etc/skel/{}x", "d/".repeat(10)), ""),
            "is too deep for what new homes have",
        ),
        (user(""), |disk| disk.link("etc/skel", "/usr"), "cannot open /etc/skel"),
        (user(""), |disk| disk.link("etc/tmpfiles.d", &disk.outside().display().to_string()), "cannot"),
        (
            network.into(),
            |disk| {
                let _ = disk.outside();
                disk.link("etc/NetworkManager", "../../../../../../outside")
            },
            "cannot",
        ),
        (network.into(), |disk| disk.file("etc/NetworkManager", ""), "cannot"),
        (network.into(), |disk| disk.link("etc/NetworkManager", "nowhere"), "/etc/NetworkManager is a link to nowhere"),
        (
            network.into(),
            |disk| disk.file("etc/NetworkManager/system-connections/a.nmconnection/x", ""),
            "/etc/NetworkManager/system-connections/a.nmconnection is a directory",
        ),
        (user(""), |disk| disk.file("etc/diskwright/homes", ""), "/etc/diskwright/homes is no directory"),
        (
            "[system]\nkargs = ['quiet']\n".into(),
            |disk| {
                fs::remove_file(disk.sysroot().join("boot/loader")).unwrap();
                std::os::unix::fs::symlink("/etc", disk.sysroot().join("boot/loader")).unwrap();
            },
            "cannot open /boot/loader/entries",
        ),
    ];
    for (answers, prepare, words) in cases {
        let disk = Disk::new();
        prepare(&disk);
        let before = disk.listing();
        // The last setting is one that can be: it is not made either.
        match disk.provision(&format!("{answers}[finish]\naction = 'halt'\n")) {
            Ok(notes) => assert!(words.is_empty(), "{words}: {notes:?}"),
            Err(error) => {
                let error = format!("{error}: {:?}", error.hint());
                assert!(!words.is_empty() && error.contains(words), "{error}\n{words}");
                assert!(disk.listing() == before, "something was changed: {error}");
            }
        }
    }
}

#[test]
fn an_image_whose_links_stay_inside_may_have_them() {
    let disk = Disk::new();
    disk.file("etc/network/x", "");
    disk.link("etc/NetworkManager", "network");
    disk.provision("[[network]]\nname = 'a.nmconnection'\ncontent = '[x]'\n").unwrap();
    assert_eq!(disk.text("etc/network/system-connections/a.nmconnection"), "[x]\n");
}
