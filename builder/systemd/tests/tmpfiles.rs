//! tmpfiles.d as `systemd-tmpfiles` reads it.

mod judge;

use std::collections::BTreeSet;
use std::os::unix::fs::FileTypeExt as _;

use builder_systemd::{LineKind, LinePath, MadeKind, Severity, TmpfilesConfig, line_for};
use builder_tree::{FileTree, Metadata};
use judge::{Image, systemd_version};

const FILE: &str = "usr/lib/tmpfiles.d/a.conf";

/// Good and bad lines. The users and groups that they name are `root`, so that all of them are known.
const LINES: &str = "\
# comment
; no comment
   d /var/lead 0755 - - -
d
d /x1
d \"/var/q q\" 0755
d '/var/un
d++ /x
dz /x
Z! /x2
d! /boot
d relative
d \"\"
\"\" /x
d /var/%o/%w
d /var/%b
d /var/%H-%l-%v-%a
d /var/%Q
d /var/%-x
d /var/%
d /mode1 ~0755
d /mode2 :0755
d /mode3 ~:0755
d /mode 0999
d /mode 99999
d /mode 10000
d /mode4 -
d /mode5 \"\"
d /mode6 0o755
d /mode7 +755
d /mode8 ~
d /mode9 0x1ff
d /u2 - 0 0
d /u3 - :0 :root
d /u4 - root root
d /age1 - - - 10d
d /age2 - - - ~10d
d /age3 - - - aB:10d
d /age4 - - - x:10d
d /age5 - - - 10q
d /age6 - - - 0
d /age7 - - - 1w2d3h
d /age8 - - - \"10 days\"
d /age9 - - - ~
d /age10 - - - :10d
d /age11 - - - a:
d /age12 - - - a:b:10d
d /age13 - - - infinity
d /age14 - - - 1.5h
d /age15 - - - -5
d /age16 - - - 5min5
d /arg - - - - foo
d /arg2 - - - \"-\"
d /arg3 - - - - \"-\"
L /l1
L /l2 - - - - target
L /l3 - - - - bad\\q
L+ /l4 - - - - %Q
L /l5 - - - - a%
L /l6 - - - - a\\
L /l7 - - - - a\\x00b
L /l8 - - - - a\\400b
L /l9 - - - - a\\101b
w /w1
w+ /w2 - - - - a
c /c1
c /c2 - - - - 1:3
c /c3 - - - - foo
c /c4 - - - - 4096:1
c /c5 - - - - 4095:1048575
c /c6 - - - - 1:1048576
b /b1 - - - - 1:-1
C /C1 - - - - relative
C /C2
t /t1
t /t2 - - - - user.x=y
a /a1
a /a2 - - - - u:root:rwx
h /h1 - - - - +C
h /h2
k /k
f /f1 - - - - text
f~ /f2 - - - - !!!
f~ /f3 - - - - QUJD
f~ /f4 - - - - QUJ
f~ /f5 - - - - QQ==
f~ /f6 - - - - QQ
f~ /f7 - - - - Q U J D
L~ /l - - - - aaa
C~ /C
t~ /t - - - - a=b
f^ /f8 - - - - cred
f^ /f9
f^ /f10 - - - - ../x
f= /f11
d- /f12
d /a//b/c/
d /var/run
e /e*
z /z
p /p
p+ /p2
v /v
q /q
Q /Q
X /X
x /x
r /r
R /R
m /m
F /F
D /var/ünï
d /var/%%x
d /mode 07 55
\td\t/tabs\t0755
d /twice 0755
d /twice 0700
d /same 0755
d /same 0755
f /twice 0755
z /twice 0700
w+ /wp - - - - a
w+ /wp - - - - b
w /wp - - - - c
dd /x
x -
d /quote\"b
d /quote'b'
d /crlf 0755\r
d /cr 0755\rd /after-cr 0755
d /nul\0x 0755
d /last";

#[test]
fn the_same_lines_are_refused() {
    let mut image = Image::new();
    image.file(FILE, LINES);
    let said = image.said(&image.run("systemd", "systemd-tmpfiles", &["--clean", "--boot"]), FILE);
    let config = TmpfilesConfig::read(&image.tree).unwrap();
    assert!(said.len() > 40, "{said:?}");
    let numbers: BTreeSet<_> = config.findings().iter().map(|found| found.line.unwrap()).collect();
    let judged: BTreeSet<_> = said.keys().copied().collect();
    if let Some(number) = numbers.symmetric_difference(&judged).next() {
        let text = LINES.split('\n').nth(number - 1);
        let ours: Vec<_> = config.findings().iter().filter(|found| found.line == Some(*number)).collect();
        panic!("line {number} {text:?}: systemd says {:?}, we say {ours:?}", said.get(number));
    }
    for found in config.findings() {
        let problem = found.problem.to_string();
        // What follows our words is the error number's text, or a full stop.
        let theirs = &said[&found.line.unwrap()];
        assert!(theirs.iter().any(|theirs| theirs.starts_with(&problem)), "{found}\n{theirs:?}");
        let ignored = config.lines().iter().all(|line| Some(line.number) != found.line);
        let notice = matches!(found.problem.severity(), Severity::Warning);
        assert!(ignored != notice, "{found}");
    }
}

#[test]
fn what_only_newer_versions_refuse_or_know() {
    let mut image = Image::new();
    image.file(FILE, "d /a\\x20b\nd /bad\\q\nd$ /c\nL? /d - - - - x\nd? /e\nh /f - - - - +Q\nt /g - - - - garbage\n");
    let config = TmpfilesConfig::read(&image.tree).unwrap();
    let found: Vec<_> = config.findings().iter().map(ToString::to_string).collect();
    let expected = [
        "/usr/lib/tmpfiles.d/a.conf line 2: Failed to parse line: Invalid argument",
        "/usr/lib/tmpfiles.d/a.conf line 5: the modifier '?' has no meaning for 'd' lines, only for 'L'",
        "/usr/lib/tmpfiles.d/a.conf line 6: Unknown file attribute 'Q'",
        "/usr/lib/tmpfiles.d/a.conf line 7: Malformed extended attribute found, ignoring: garbage",
    ];
    assert_eq!(found, expected);
    assert_eq!(config.lines()[0].path, LinePath::Known(b"/a b".to_vec()));
    assert!(config.lines()[1].modifiers.purge);
    // Neither is sure to be made.
    assert_eq!(config.lines()[2].made(), None);
}

#[test]
fn files_replace_and_mask_one_another() {
    let mut image = Image::new();
    for (path, text) in [
        ("etc/tmpfiles.d/a.conf", "d /t/etc-a\n"),
        ("run/tmpfiles.d/a.conf", "d /t/run-a\n"),
        ("run/tmpfiles.d/run.conf", "d /t/run\n"),
        ("usr/local/lib/tmpfiles.d/local.conf", "d /t/local\n"),
        ("usr/lib/tmpfiles.d/a.conf", "d /t/lib-a\n"),
        ("usr/lib/tmpfiles.d/masked.conf", "d /t/masked\n"),
        ("etc/tmpfiles.d/empty.conf", ""),
        ("usr/lib/tmpfiles.d/empty.conf", "d /t/emptied\n"),
        ("usr/lib/tmpfiles.d/.hidden.conf", "d /t/hidden\n"),
        ("usr/lib/tmpfiles.d/other", "d /t/other\n"),
        ("usr/lib/tmpfiles.d/a.conf~", "d /t/backup\n"),
        ("usr/share/linked", "d /t/linked\n"),
    ] {
        image.file(path, text);
    }
    image.link("etc/tmpfiles.d/masked.conf", "/dev/null");
    image.link("usr/lib/tmpfiles.d/linked.conf", "../../share/linked");
    image.run("systemd", "systemd-tmpfiles", &["--create"]);
    let judged: BTreeSet<_> = std::fs::read_dir(image.disk.path().join("t"))
        .unwrap()
        .map(|entry| format!("/t/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    let config = TmpfilesConfig::read(&image.tree).unwrap();
    let ours: BTreeSet<_> = config
        .lines()
        .iter()
        .map(|line| match &line.path {
            LinePath::Known(path) => String::from_utf8(path.clone()).unwrap(),
            LinePath::Unresolved { .. } => panic!("{line:?}"),
        })
        .collect();
    assert_eq!(ours, judged);
    assert_eq!(ours.len(), 4);
}

#[test]
fn images_for_ostree_keep_etc_in_usr() {
    let mut image = Image::new();
    image.file("usr/etc/tmpfiles.d/a.conf", "d /var/a\n");
    image.file("usr/lib/tmpfiles.d/a.conf", "d /var/b\n");
    let config = TmpfilesConfig::read(&image.tree).unwrap();
    assert!(config.covers(b"var/a", MadeKind::Directory).is_some());
    assert!(config.covers(b"var/b", MadeKind::Directory).is_none());
}

const COVER: &str = "\
d /var/d
D /var/D
v /var/v
q /var/q
Q /var/Q
e /var/e
f /var/f
f+ /var/f+
F /var/F
w /var/w - - - - x
p /var/p
L /var/L - - - - target
L+ /var/L+ - - - - target
C /var/C
C /var/Cfile - - - - /usr/share/factory/file
C /var/Ctree - - - - /usr/share/factory/tree
z /var/z
Z /var/Z
m /var/m
x /var/x
X /var/X
r /var/r
R /var/R
t /var/t - - - - user.a=b
d! /var/boot
d /var/deep/er/est
L /var/deeplink/er - - - - x
d /var/esc%%
d \"/var/sp ace\"
d /var/%o-%w
d /root/.ssh
f^ /var/credential - - - - nothing
d /var//slashes/./here/
";

/// What there is below `/var`, with its type.
fn made(image: &Image) -> BTreeSet<(String, MadeKind)> {
    fn walk(at: &std::path::Path, name: &str, found: &mut BTreeSet<(String, MadeKind)>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (format!("{name}/{}", entry.file_name().to_str().unwrap()), entry.file_type().unwrap());
            let kind = if kind.is_dir() {
                walk(&entry.path(), &path, found);
                MadeKind::Directory
            } else if kind.is_symlink() {
                MadeKind::Symlink
            } else if kind.is_fifo() {
                MadeKind::Fifo
            } else {
                MadeKind::RegularFile
            };
            found.insert((path, kind));
        }
    }
    let mut found = BTreeSet::new();
    walk(&image.disk.path().join("var"), "var", &mut found);
    found
}

#[test]
fn what_is_covered_is_what_gets_made() {
    let mut image = Image::new();
    image.file("usr/share/factory/file", "x");
    image.file("usr/share/factory/tree/inner/file", "x");
    image.directory("var/roothome");
    image.link("root", "var/roothome");
    image.file(FILE, COVER);
    image.run("systemd", "systemd-tmpfiles", &["--create", "--boot"]);
    let made = made(&image);
    let config = TmpfilesConfig::read(&image.tree).unwrap();
    assert_eq!(config.findings(), []);
    let kinds = [MadeKind::Directory, MadeKind::Symlink, MadeKind::RegularFile, MadeKind::Fifo];
    for (path, kind) in &made {
        let bytes = path.as_bytes();
        for asked in kinds {
            let ours = config.covers(bytes, asked).or_else(|| config.copies(&image.tree, bytes, asked));
            let implied = asked == MadeKind::Directory && config.implies(bytes).is_some();
            // It is there before: nobody makes it.
            let before = path == "var/roothome";
            assert_eq!(ours.is_some() || implied || (before && asked == *kind), asked == *kind, "{path} {asked:?}");
        }
    }
    for line in config.lines() {
        let LinePath::Known(path) = &line.path else { panic!("{line:?}") };
        let path = std::str::from_utf8(&path[1..]).unwrap();
        let there = made.iter().any(|(made, _)| made == path) || path == "root/.ssh";
        assert_eq!(line.made().is_some(), there, "{line:?}");
    }
    assert!(config.covers(b"var/roothome/.ssh", MadeKind::Directory).is_some());
    assert!(config.covers(b"/var/deep/er", MadeKind::Directory).is_none());
    assert!(config.implies(b"/var/deep/er").is_some());
    assert!(config.implies(b"var/deep/er/est").is_none());
    assert_eq!(config.about(b"var/z").next().unwrap().kind, LineKind::Relabel);
}

#[test]
fn written_lines_make_the_same_again() {
    // Control characters need an escape in the path, which older versions do not undo.
    let mut names =
        vec!["plain", "sp ace", "quo\"te", "apo'strophe", "back\\slash", "per%cent", "ünï", " lead", "-", "#"];
    if systemd_version() >= 254 {
        names.extend(["new\nline", "tab\t", "\x01"]);
    }
    let mut image = Image::new();
    let mut wanted = FileTree::new();
    for name in &names {
        wanted.make_directories(format!("var/d/{name}").as_bytes(), &Metadata::root(0o1750)).unwrap();
        let link = builder_tree::Inode::symlink(format!("{name} "));
        wanted.insert(format!("var/l/{name}").as_bytes(), link, &Metadata::root(0o755)).unwrap();
    }
    let mut text = Vec::new();
    wanted
        .root
        .walk(&mut |path, node| {
            text.extend(line_for(path, node, b"-", b"-").unwrap());
            text.push(b'\n');
            Ok::<_, std::convert::Infallible>(())
        })
        .unwrap();
    image.file(FILE, &text);
    let output = image.run("systemd", "systemd-tmpfiles", &["--create"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in &names {
        let at = image.disk.path().join("var");
        let mode = std::os::unix::fs::PermissionsExt::mode(&at.join("d").join(name).metadata().unwrap().permissions());
        assert_eq!(mode & 0o7777, 0o1750, "{name}");
        let target = at.join("l").join(name).read_link().unwrap();
        // Older versions keep no whitespace at the end of a line, which is why it is escaped.
        assert_eq!(target.to_str().unwrap(), format!("{name} "));
    }
    let config = TmpfilesConfig::read(&image.tree).unwrap();
    assert_eq!(config.findings(), []);
    wanted
        .root
        .walk(&mut |path, node| {
            assert!(config.covers(path, MadeKind::of(node).unwrap()).is_some(), "{}", path.escape_ascii());
            Ok::<_, std::convert::Infallible>(())
        })
        .unwrap();
}

#[test]
fn paths_that_go_up_are_told() {
    let mut image = Image::new();
    image.file(FILE, "d /var/a/../b\nd /var/run/x\nd /var/%m\n");
    let config = TmpfilesConfig::read(&image.tree).unwrap();
    let found: Vec<_> = config.findings().iter().map(|found| (found.line, found.problem.to_string())).collect();
    let expected = [
        (Some(1), "'/var/a/../b': path not normalized.".to_owned()),
        (Some(2), "Line references path below legacy directory /var/run/, updating /var/run/x → /run/x".to_owned()),
    ];
    assert_eq!(found, expected);
    assert!(config.covers(b"run/x", MadeKind::Directory).is_some());
    let unresolved = &config.lines()[1].path;
    assert!(matches!(unresolved, LinePath::Unresolved { why, .. } if why.specifier == b'm'), "{unresolved:?}");
}
