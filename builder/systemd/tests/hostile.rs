//! Anything may stand in the files of an image.

use builder_systemd::{Accounts, Fstab, Manager, SysusersConfig, TmpfilesConfig, Units};
use builder_tree::{Content, FileTree, Inode, Metadata};
use proptest::prelude::{ProptestConfig, any, prop, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};

/// Text out of pieces that mean something, and of any bytes.
fn text() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: [&[u8]; 40] = [
        b"d ",
        b"L ",
        b"u ",
        b"m ",
        b"r ",
        b"/var/x",
        b"/",
        b" ",
        b"\n",
        b"\r",
        b"\0",
        b"\"",
        b"'",
        b"\\",
        b"%",
        b"%m",
        b"-",
        b":",
        b"~",
        b"[Unit]\n",
        b"[Service]\n",
        b"ExecStart=",
        b"=",
        b";",
        b" ; ",
        b"/bin/x",
        b"@",
        b"!",
        b"+",
        b"enable ",
        b"*",
        b"[",
        b"]",
        b"..",
        b"0755",
        b"65535",
        b"\xff",
        b"\xef\xbb\xbf",
        b"#",
        b"10d",
    ];
    let piece = prop_oneof![
        4 => prop::sample::select(WORDS.to_vec()).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn node() -> impl Strategy<Value = Inode> {
    let target = prop_oneof![
        Just("/dev/null"),
        Just("a.service"),
        Just("../x"),
        Just("../../../../../../../x"),
        Just("a@.service"),
        Just("/usr/lib/systemd/system/b.service"),
        Just("/etc"),
        Just("."),
    ];
    prop_oneof![
        3 => text().prop_map(|text| Inode::regular(Metadata::root(0o644), Content::bytes(text))),
        1 => target.prop_map(Inode::symlink),
    ]
}

const PLACES: [&str; 18] = [
    "etc/tmpfiles.d/a.conf",
    "usr/lib/tmpfiles.d/a.conf",
    "usr/lib/sysusers.d/a.conf",
    "etc/os-release",
    "etc/passwd",
    "etc/group",
    "etc/fstab",
    "usr/lib/systemd/system/a.service",
    "usr/lib/systemd/system/b.service",
    "usr/lib/systemd/system/a@.service",
    "etc/systemd/system/a@b.service",
    "etc/systemd/system/a.service",
    "etc/systemd/system/a.socket",
    "etc/systemd/system/a.service.d/x.conf",
    "etc/systemd/system/service.d/x.conf",
    "etc/systemd/system/a.service.wants/a@x.service",
    "etc/systemd/system/default.target",
    "usr/lib/systemd/system-preset/a.preset",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_in_an_image_makes_reading_fail(nodes in prop::collection::vec(node(), PLACES.len())) {
        let mut tree = FileTree::new();
        for (place, node) in PLACES.iter().zip(nodes) {
            tree.insert(place.as_bytes(), node, &Metadata::root(0o755)).unwrap();
        }
        let tmpfiles = TmpfilesConfig::read(&tree).unwrap();
        for finding in tmpfiles.findings() {
            let _ = (finding.to_string(), finding.problem.hint());
        }
        let sysusers = SysusersConfig::read(&tree).unwrap();
        for group in sysusers.created_groups() {
            assert!(sysusers.creates_group(group));
        }
        let _ = Accounts::read(&tree, "etc").unwrap();
        let _ = Fstab::read(&tree).unwrap();
        for manager in [Manager::System, Manager::User] {
            let units = Units::read(&tree, manager).unwrap();
            for name in units.names() {
                let _ = (units.find(name), units.presets().decide(name));
            }
            for finding in units.findings() {
                let _ = (finding.to_string(), finding.problem.severity());
            }
        }
    }
}
