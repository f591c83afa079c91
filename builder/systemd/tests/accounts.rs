//! `passwd` and `group` as the C library reads them, `fstab` as libmount does.

mod judge;

use std::process::Command;

use builder_systemd::{Accounts, Fstab, parse_fstab, parse_group, parse_passwd};
use judge::{Image, run};

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/sh
# comment

  lead:x:1:2:a,b:/home:/bin/false
few:x:3:4
fewer:x:3
five:x:5:6:gecos
nothing
:x:7:8:::
badid:x:9a:8:::
noid:x::8:::
negative:x:-1:8:::
large:x:4294967296:8:::
most:x:4294967295:8:::
+nis:x:1:1:::
-nis
many:x:10:11:g:h:s:t
root:x:12:13:twice:/:/bin/sh
space:x:14:15:g:/h:/s \n\
\tnoend:x:16:17:g:/h:/s
";

const GROUP: &str = "\
root:x:0:
# comment
wheel:x:10:a,b,,c
few:x:11
fewer:x
spaces:x:12: a , b
badid:x:1x:
+nis
many:x:13:a:b
noend:x:14:z";

/// Has glibc read a file; prints its entries with `|` between the fields.
const GLIBC: &str = r#"
import ctypes, sys
libc = ctypes.CDLL("libc.so.6")
S, U, P = ctypes.c_char_p, ctypes.c_uint32, ctypes.c_void_p
class Passwd(ctypes.Structure):
    _fields_ = [("n", S), ("p", S), ("u", U), ("g", U), ("c", S), ("d", S), ("s", S)]
class Group(ctypes.Structure):
    _fields_ = [("n", S), ("p", S), ("g", U), ("m", ctypes.POINTER(S))]
libc.fopen.restype = P
libc.fgetpwent.restype, libc.fgetpwent.argtypes = ctypes.POINTER(Passwd), [P]
libc.fgetgrent.restype, libc.fgetgrent.argtypes = ctypes.POINTER(Group), [P]
file = libc.fopen(sys.argv[2].encode(), b"r")
text = lambda s: (s or b"").decode()
while True:
    found = (libc.fgetpwent if sys.argv[1] == "passwd" else libc.fgetgrent)(file)
    if not found:
        break
    e = found.contents
    if sys.argv[1] == "passwd":
        row = [text(e.n), text(e.p), str(e.u), str(e.g), text(e.c), text(e.d), text(e.s)]
    else:
        members, i = [], 0
        while e.m[i]:
            members.append(text(e.m[i])); i += 1
        row = [text(e.n), text(e.p), str(e.g), ",".join(members)]
    # Entries for NIS are given out too, and are left to the caller.
    if not row[0].startswith(("+", "-")):
        print("|".join(row))
"#;

fn glibc(kind: &str, text: &str) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let output = run("python3", Command::new("python3").args(["-c", GLIBC, kind]).arg(file.path()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn passwd_has_the_entries_glibc_finds() {
    let mut findings = Vec::new();
    let ours: Vec<_> = parse_passwd(b"etc/passwd", PASSWD.as_bytes(), &mut findings)
        .iter()
        .map(|user| {
            let [name, password, gecos] = [&user.name, &user.password, &user.gecos].map(|field| text(field));
            let (home, shell) = (text(&user.home), text(&user.shell));
            format!("{name}|{password}|{}|{}|{gecos}|{home}|{shell}", user.uid, user.gid)
        })
        .collect();
    assert_eq!(ours, glibc("passwd", PASSWD));
    let lines: Vec<_> = findings.iter().map(|found| found.line.unwrap()).collect();
    assert_eq!(lines, [5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18]);
    assert_eq!(
        findings[5].to_string(),
        "/etc/passwd line 10: the user ID is '9a', not a number below 2^32, and the line is ignored"
    );
    assert_eq!(findings[12].to_string(), "/etc/passwd line 18: 'root' stands on line 1 already");
}

#[test]
fn group_has_the_entries_glibc_finds() {
    let mut findings = Vec::new();
    let ours: Vec<_> = parse_group(b"etc/group", GROUP.as_bytes(), &mut findings)
        .iter()
        .map(|group| {
            let members: Vec<_> = group.members.iter().map(|member| text(member)).collect();
            format!("{}|{}|{}|{}", text(&group.name), text(&group.password), group.gid, members.join(","))
        })
        .collect();
    assert_eq!(ours, glibc("group", GROUP));
    let lines: Vec<_> = findings.iter().map(|found| found.line.unwrap()).collect();
    assert_eq!(lines, [4, 5, 7, 8, 9]);
}

const FSTAB: &str = "\
UUID=1 / ext4 defaults 0 1
/dev/a /m\\040x none bind,x=\\054 0
# comment
LABEL=x swap

  /dev/b\t/b  xfs
\"a b\" /q ext4 d 1 2 3
/dev/c /c ext4 defaults x y
/dev/d /d ext4 defaults -1 2 # tail
/dev/e\\011f /e\\134z auto
/dev/f /f\\04 auto
/dev/g /g auto defaults 1 x
/dev/z
/dev/h /h ext4 ro";

#[test]
fn fstab_has_the_entries_libmount_finds() {
    let mut findings = Vec::new();
    let entries = parse_fstab(b"etc/fstab", FSTAB.as_bytes(), &mut findings);
    let ours: Vec<_> = entries
        .iter()
        .map(|entry| {
            let [source, target, fstype, options] =
                [&entry.source, &entry.target, &entry.fstype, &entry.options].map(|field| {
                    // As findmnt writes what is not printable, or has a meaning in its own output.
                    text(field).replace('\\', "\\x5c").replace('\t', "\\x09")
                });
            format!(
                "SOURCE=\"{source}\" TARGET=\"{target}\" FSTYPE=\"{fstype}\" OPTIONS=\"{options}\" FREQ=\"{}\" \
                 PASSNO=\"{}\"",
                entry.freq, entry.passno
            )
        })
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), FSTAB).unwrap();
    let columns = "SOURCE,TARGET,FSTYPE,OPTIONS,FREQ,PASSNO";
    let mut command = Command::new("findmnt");
    let output =
        run("util-linux", command.args(["--fstab", "--pairs", "--output", columns, "--tab-file"]).arg(file.path()));
    let judged = String::from_utf8(output.stdout).unwrap();
    assert_eq!(ours, judged.lines().collect::<Vec<_>>());
    let errors = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = findings.iter().map(|found| found.line.unwrap()).collect();
    let judged: Vec<usize> = errors
        .lines()
        .filter_map(|line| line.split("at line ").nth(1)?.split_whitespace().next()?.parse().ok())
        .collect();
    assert_eq!(lines, judged);
    assert!(entries[1].has_option(b"x") && entries[1].has_option(b"bind") && !entries[1].has_option(b"bin"));
}

#[test]
fn missing_files_are_empty_and_links_to_nothing_are_told() {
    let mut image = Image::new();
    assert!(Accounts::read(&image.tree, "etc").unwrap().users.is_empty());
    assert!(Fstab::read(&image.tree).unwrap().entries.is_empty());
    image.link("etc/passwd", "../none");
    image.link("etc/group", "group");
    image.directory("etc/fstab");
    let accounts = Accounts::read(&image.tree, "etc").unwrap();
    let found: Vec<_> = accounts.findings.iter().map(ToString::to_string).collect();
    let expected = [
        "/etc/passwd: the symbolic link leads nowhere: No such file or directory",
        "/etc/group: Too many levels of symbolic links",
    ];
    assert_eq!(found, expected);
    let fstab = Fstab::read(&image.tree).unwrap();
    assert_eq!(fstab.findings[0].to_string(), "/etc/fstab: it is a directory, not a regular file");
    image.file("usr/lib/passwd", "root:x:0:0::/root:/bin/sh\n");
    assert_eq!(Accounts::read(&image.tree, "usr/lib").unwrap().users[0].shell, b"/bin/sh");
}
