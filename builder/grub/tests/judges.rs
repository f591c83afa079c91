//! Scripts, environment blocks and versions as GRUB itself and systemd see them.
#![allow(missing_docs)]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use builder_grub::{DeviceId, EnvironmentBlock, GrubStart, check, compare_versions, follow_grub};
use support::Disk;

fn run(package: &str, command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    }
}

/// Whether `grub-script-check` takes the script.
fn grub_takes(script: &str) -> bool {
    let started =
        Command::new("grub-script-check").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => panic!("grub-script-check: {error}; install the Debian package `grub-common`"),
    };
    // It may be through before it has read everything.
    _ = child.stdin.take().unwrap().write_all(script.as_bytes());
    child.wait().unwrap().success()
}

const GOOD: &[&str] = &[
    "true\n",
    "true",
    "a b c; d\n",
    "a;\n",
    "\n\n  \n# only a comment\ntrue # behind\n",
    "if true; then false; fi\n",
    "if true\nthen\nfalse\nfi\n",
    "if true; then false; else true; fi\n",
    "if true; then a; elif b; then c; elif d; then e; else f; fi\n",
    "if true; then\n\n\n a\n\n b; c\nfi\n",
    "if\n\ntrue; then true; fi\n",
    "if if true; then true; fi; then true; fi\n",
    "for x in 1 2 3; do echo $x; done\n",
    "for x in; do echo; done\n",
    "for x in a b\ndo\n echo\ndone\n",
    "while true; do break; done\n",
    "until false; do break; done\n",
    "function f { true; }\ntrue\n",
    "function f\n\n{\n true\n}\nf\n",
    "menuentry 'a b' --class x { linux /vmlinuz; initrd /i }\n",
    "menuentry a {\n linux /vmlinuz\n}\n",
    "submenu a { menuentry b { true; }\nmenuentry c { true; } }\n",
    "a { b }\n",
    "a{ b; }\n",
    "echo if then fi do done for in function case esac\n",
    "echo 'a\nb\n# c\nd'\n",
    "echo \"a\nb\"\n",
    "echo \"a \\\" b\" 'c \" d' e\\\"f\n",
    "echo a\\\nb \\\n c\n",
    "echo $a ${b} $1 ${10} $? $# $* $@ ${?}x\n",
    "echo \"$a${b}$?\" x$y'z'\n",
    "echo $\"translated $x\"\n",
    "echo \"\\$\" \\$ '$'\n",
    "set a=b; a=b\n",
    "[ a = b ]\n",
    "! true\n",
    "if [ ! -f /x -a \"$y\" = z ]; then true; fi\n",
    "echo a#b #c\n",
    "search.fs_uuid 1234 root hd0,gpt1\n",
    "echo ~ % ^ ( ) [ ] , : / * ? + = - @ é\n",
    "a\tb\t\tc\n",
    "echo 'it'\"'\"'s'\n",
    "echo x[[ ]]x a]]\n",
    "if true; then for i in 1; do while false; do true; done; done; fi\n",
    "echo a\r\n",
    "function if2 { true; }\nif2\n",
    "in2 case2\n",
    "menuentry a { if true; then b; fi }\n",
];

const BAD: &[&str] = &[
    "if true; then false\n",
    "if true; then; fi\n",
    "if true then true; fi\n",
    "if ; then true; fi\n",
    "if true; then true; else fi\n",
    "if true; then true; elif fi\n",
    "if true; else true; fi\n",
    "fi\n",
    "then\n",
    "done\n",
    "in\n",
    "case a in b) c;; esac\n",
    "select a in b; do c; done\n",
    "for 1x in a; do b; done\n",
    "for x; do b; done\n",
    "for x\nin a; do b; done\n",
    "for x in a do b; done\n",
    "for if in a; do b; done\n",
    "while true; done\n",
    "while; do true; done\n",
    "function { true; }\n",
    "function f { true }\n",
    "function f { }\n",
    "function f true\n",
    "function f-g { true; }\n",
    "function\nf { true; }\n",
    "function f { function g { true; }; }\n",
    "if true; then function f { true; }; fi\n",
    "menuentry a { }\n",
    "menuentry a { ; }\n",
    "menuentry a { true;; }\n",
    "menuentry a { true\n",
    "menuentry a { b } c\n",
    "{ true; }\n",
    "}\n",
    "a }\n",
    "a;;b\n",
    "a ; ; b\n",
    "; a\n",
    "a && b\n",
    "a || b\n",
    "a | b\n",
    "a & b\n",
    "a > b\n",
    "test a < b\n",
    "[[ a ]]\n",
    "echo 'a\n",
    "echo \"a\n",
    "echo \"a\\\"\n",
    "echo $\n",
    "echo $-\n",
    "echo a$ b\n",
    "echo ${a\n",
    "echo ${a:-b}\n",
    "echo \"$\"\n",
    "echo \"${a b}\"\n",
    "echo $(true)\n",
    "echo \"$(true)\"\n",
    "echo $'a'\n",
    "echo \\",
    "echo \\\n",
    "true;\n\n;true\n",
    "true\nif\n",
];

#[test]
fn scripts_are_taken_and_refused_as_by_grub() {
    for (scripts, good) in [(GOOD, true), (BAD, false)] {
        for &script in scripts {
            let ours = check(script);
            assert_eq!(grub_takes(script), ours.is_ok(), "GRUB thinks otherwise of {script:?}: {ours:?}");
            assert_eq!(ours.is_ok(), good, "{script:?}: {ours:?}");
        }
    }
    for (text, good) in [
        (format!("echo {}\n", "a".repeat(8191)), true),
        (format!("echo {}\n", "a".repeat(8192)), false),
        (format!("true\n#{}\n", "a".repeat(8188)), true),
        (format!("true\n#{}\n", "a".repeat(8189)), false),
        (format!("echo '{}'\n", "a\n".repeat(5000)), false),
        (format!("echo {}\n", "'a' ".repeat(9000)), true),
    ] {
        assert_eq!((grub_takes(&text), check(&text).is_ok()), (good, good), "{} bytes", text.len());
    }
}

#[test]
fn every_way_to_cut_a_script_short_is_refused_as_by_grub() {
    let script = "if [ -n \"$x\" ]; then\n menuentry 'a b' --id c {\n  linux /v \\\n   ro\n }\nelse\n for i in 1 2; do echo \
                  \"$i\"; done\nfi\n";
    check(script).unwrap();
    for (end, _) in script.char_indices().skip(1) {
        assert_eq!(grub_takes(&script[..end]), check(&script[..end]).is_ok(), "{:?}", &script[..end]);
    }
}

/// Scripts that tell by `echo` what came of them, for a file system with some files.
const TALKING: &[&str] = &[
    // Words.
    "function show { echo \">>n=$# [$1] [$2] [$3] [$4]\"; }\nset e=\nset l=\"a  b\"\nset lead=\" x\"\nset trail=\"x \"\n\
     show $l \"$l\" $e \"$e\"\nshow p$lead q$trail r${trail}s\nshow \"$@\" x\nshow \"\" '' $nosuch\nshow a\\ b 'c'\"d\"e\n\
     show $l$l\nshow \\\n x \\\n\nset w=/boot/a-*\nshow $w\nshow \"$w\"\nset b='a\\*b\\c'\nshow $b \"$b\"\n",
    // Wildcards.
    "function show { echo \">>n=$# [$1] [$2] [$3]\"; }\nshow /boot/a-?\nshow /bo*/a-1\nshow /boot/zz* x*\nshow '/boot/a-*'\n\
     show /boot/\\a-*\nshow (hd0)/boot/a-1 (hd*)\nshow /*/a-2\nshow \\* '*' \"\\*\" x\\x2d '\\x2d'\nshow \"a\\b\" 'a\\b' a\\b\n",
    // Functions and their arguments.
    "function show { echo \">>n=$# [$1] [$2] [$3]\"; }\nfunction f { show \"$@\"; show $*; show \"$*\"; shift; show \"$@\"; \
     shift 5; echo \">>$?\"; setparams q; show \"$1\" $0; return 7; echo \">>never\"; }\nf \"p q\" r\necho \">>$?\"\nf\n\
     function f { echo \">>second\"; }\nf\nfunction g { for i in 1 2; do return; done; echo \">>never\"; }\ng\n\
     echo \">>$#\"\nreturn 3\necho \">>after\"\n",
    // Conditions.
    "if nosuch; then echo \">>known\"; else echo \">>unknown\"; fi\nnosuch\necho \">>$?\"\n! nosuch\necho \">>$?\"\nx=1\n\
     echo \">>$? $x\"\nfalse\necho \">>$?\"\n! false\necho \">>$?\"\nif false; then echo \">>a\"; elif true; then echo \">>b\"; \
     else echo \">>c\"; fi\nif true; false; then echo \">>d\"; else echo \">>e\"; fi\nif false; then echo; fi\necho \">>$?\"\n\
     1=2\necho \">>[$1]\"\nset 1x=y; echo \">>${1x\"\necho \">>end\"\n",
    // Loops.
    "for i in 1 2 3 4; do if [ $i = 2 ]; then continue; fi; if [ $i = 4 ]; then break; fi; echo \">>$i\"; done\n\
     for i in 1 2; do for j in a b; do if [ $j = b ]; then continue 2; fi; echo \">>$i$j\"; done; echo \">>never\"; done\n\
     for i in 1 2; do for j in a b; do break 9; done; echo \">>never\"; done\necho \">>$i\"\nset n=\n\
     while [ \"$n\" != xxx ]; do set n=x$n; echo \">>$n\"; done\nuntil [ \"$n\" = xx ]; do set n=xx; done\necho \">>$n\"\n\
     while true; do break; done\nbreak 0\necho \">>$?\"\nfor i in; do echo \">>none\"; done\nset i=; for i in $i; do echo; done\n\
     echo \">>end\"\n",
    // Tests.
    "function t { if test \"$@\"; then echo \">>yes $*\"; else echo \">>no $*\"; fi; }\nt -f /boot/a-1\nt -f /boot\nt -d /boot\n\
     t -d /boot/\nt -e /nosuch\nt -s /boot/empty\nt -s /boot/a-1\nt -d (hd0)\nt -d (hd0)/boot\nt -f (hd9)/boot/a-1\nt a = a -a b = c\n\
     t a = b -o c = c\nt -z x -o -n x -a x = y\nt ! a = b\nt ( a = b -o c = c )\nt 10 -gt 9\nt 010 -eq 8\nt -1 -lt 0\nt 0x1f -eq 31\n\
     t a '<' b\nt vmlinuz-2 -plt vmlinuz-11\nt x\nt -f\nt =\nif [ ]; then echo \">>empty\"; fi\nif [ -n a -a -n \"\" ]; then echo; \
     else echo \">>joined\"; fi\nt 99999999999999999999 -gt 1\n",
    // Searches.
    "search --file --set=q /boot/a-1; echo \">>$q $?\"\nsearch --file --set=r /nosuch; echo \">>[$r] $?\"\n\
     search -f -s t /boot/a-2; echo \">>$t\"\nsearch.file /boot/a-1 u; echo \">>$u\"\nsearch --set=v --label THELABEL; echo \">>$v\"\n\
     search --label THELABEL --set w --no-floppy; echo \">>$w\"\nsearch --set x --label; echo \">>[$x] $?\"\n\
     search --set=y THELABEL; echo \">>[$y] $?\"\nsearch --no-floppy --fs-uuid --set=z 0F0F0f0f-1111-2222-3333-444444444444; \
     echo \">>$z\"\nsearch --fs-uuid --set=h --hint-bios=hd5 --hint='hd0' --hint-nosuch=1 0f0f0f0f-1111-2222-3333-444444444444\n\
     echo \">>$h\"\nprobe --set=p --fs-uuid (hd0); echo \">>$p\"\nprobe -s p -l hd0; echo \">>$p\"\nprobe --set=p --fs (hd0); echo \">>$p\"\n",
    // Files.
    "source /boot/other.cfg\necho \">>$inner\"\nsource /nosuch.cfg; echo \">>$?\"\nset outer=1\nconfigfile /boot/other.cfg\n\
     echo \">>$outer $config_file $config_directory\"\n. /boot/other.cfg\nset root=(hd0)\necho \">>$root\"\necho \">>$prefix\"\n",
    // Environment blocks.
    "load_env\necho \">>$one|$two|$three\"\nunset one\nunset two\nload_env --file /around/grubenv two; echo \">>$one|$two\"\n\
     set one=new; set three='with\\back'; unset two\nsave_env one two three\necho \">>$?\"\nset one=; set three=; load_env\n\
     echo \">>$one|$two|$three\"\nload_env -f /nosuch; echo \">>$?\"\nsave_env; echo \">>$?\"\n",
    // Mistakes cost what was read for them.
    "echo \">>one\"; echo \">>two\"; fi; echo \">>three\"\necho \">>four\"\nif true; then\n echo \">>in\" ; ; echo \">>bad\"\n\
     echo \">>still\"\nfi\necho \">>five\"\nfunction f { true }\necho \">>six\"\necho \">>a\" $\necho \">>seven\"\nfor x in a { b }\n\
     echo \">>eight\"\n",
    // Quotes over lines.
    "set x=\"a\\\nb\"; echo \">>$x\"\nset x=a\\\nb; echo \">>$x\"\nset y='one\n# dropped\ntwo'\nif [ \"$y\" = 'one\ntwo' ]; then \
     echo \">>dropped\"; else echo \">>kept\"; fi\necho $\">>it is $x\"\necho \">>\\$x \\\\ \\\" \\a\"\n# comment \\\necho \">>end\"\n",
    // Regular expressions.
    "if regexp --set 1:a --set 2:b '^([a-z]+)[.]([0-9]*)$' 'abc.12'; then echo \">>$a|$b\"; fi\nregexp 'x|y' 'aya'; echo \">>$?\"\n\
     regexp '^y' 'aya'; echo \">>$?\"\nregexp --set=c '(b+)' 'abbc'; echo \">>$c\"\nregexp --set 0:d 'a|ab|abc' 'xabcd'; echo \">>$d\"\n\
     if regexp --set 1:s --set 2:k ' ostree=/ostree/boot[.][01]/([^/ ]+)/([0-9a-f]+)/[0-9]+( |$)' ' rw \
     ostree=/ostree/boot.1/default/0a1b/0 x'; then echo \">>$s $k\"; fi\nregexp --set 1:u '(q)?x' 'x'; echo \">>[$u] $?\"\n",
    // Evaluated text, assignments.
    "set c='echo \">>from eval\"'\neval \"$c\"\neval \"x=5; echo \\\">>\\$x\\\"\"\nset y=a=b; echo \">>$y\"\nset novalue; \
     echo \">>$?\"\nexport fresh; if [ -z \"$fresh\" ]; then echo \">>empty\"; fi\nunset y; echo \">>[$y]\"\necho -n \">>\"; echo same\n",
];

fn disk_image(folder: &Path, script: &str, environment: &[u8], other: &str) {
    let root = folder.join("root");
    std::fs::create_dir_all(root.join("around")).unwrap();
    std::fs::create_dir_all(root.join("boot")).unwrap();
    for (path, content) in [
        ("around/grub.cfg", script.as_bytes()),
        ("around/grubenv", environment),
        ("boot/a-1", b"x"),
        ("boot/a-2", b"x"),
        ("boot/empty", b""),
        ("boot/other.cfg", other.as_bytes()),
    ] {
        std::fs::write(root.join(path), content).unwrap();
    }
    let image = folder.join("disk");
    let mut command = Command::new("mke2fs");
    command.args(["-q", "-t", "ext4", "-O", "^metadata_csum_seed,^orphan_file", "-L", "THELABEL"]);
    command.args(["-U", "0f0f0f0f-1111-2222-3333-444444444444", "-d"]).args([&root, &image]).arg("4M");
    let made = run("e2fsprogs", &mut command);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(folder.join("map"), format!("(hd0) {}\n", image.display())).unwrap();
}

/// What GRUB says to a script, of that which begins with `>>`.
fn grub_says(folder: &Path) -> Vec<String> {
    let mut command = Command::new("grub-emu");
    command.args(["-r", "hd0", "-d", "/around", "-m"]).arg(folder.join("map"));
    let output = run("grub-emu", command.env("TERM", "vt100").stdin(Stdio::null()));
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "\n");
    let mut said = Vec::new();
    for line in text.lines() {
        if let Some((_, words)) = line.split_once(">>") {
            said.push(words.trim_end().to_owned());
        }
    }
    said
}

#[test]
fn scripts_say_what_they_say_in_grub() {
    let environment = support::block("one=1\ntwo=a b\n");
    let other = "set inner=yes\nset outer=changed\necho \">>in $config_file $config_directory\"\n";
    for script in TALKING {
        let script = format!("{script}\nhalt\n");
        let folder = tempfile::tempdir().unwrap();
        disk_image(folder.path(), &script, &environment, other);
        let theirs = grub_says(folder.path());
        let mut device = builder_grub::Device::new(DeviceId(0), "hd0");
        device.uuid = Some("0f0f0f0f-1111-2222-3333-444444444444".to_owned());
        device.label = Some("THELABEL".to_owned());
        device.file_system = Some("ext2".to_owned());
        let disk = Disk::with_devices(vec![device])
            .file(DeviceId(0), "/around/grub.cfg", &script)
            .file(DeviceId(0), "/around/grubenv", &environment)
            .file(DeviceId(0), "/boot/a-1", "x")
            .file(DeviceId(0), "/boot/a-2", "x")
            .file(DeviceId(0), "/boot/empty", "")
            .file(DeviceId(0), "/boot/other.cfg", other);
        let menu = follow_grub(&disk, &GrubStart::new(DeviceId(0), "/around", false)).unwrap();
        let ours =
            menu.said.iter().filter_map(|line| line.split_once(">>")).map(|(_, words)| words.trim_end().to_owned());
        assert_eq!(ours.collect::<Vec<_>>(), theirs, "{script}\n{:#?}", menu.problems);
        assert!(!theirs.is_empty(), "{script}");
    }
}

#[test]
fn environment_blocks_are_those_of_grub_editenv() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grubenv");
    let editenv = |arguments: &[&str]| {
        let output = run("grub-common", Command::new("grub-editenv").arg(&path).args(arguments));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    editenv(&["create"]);
    let mut ours = EnvironmentBlock::new(std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(ours.variables(), []);
    for (name, value) in [
        ("saved_entry", Some("0")),
        ("next_entry", Some("Debian > 6.1")),
        ("saved_entry", Some("a much longer value = with # signs")),
        ("boot_counter", Some("3")),
        ("saved", Some("x")),
        ("empty", Some("")),
        ("next_entry", Some("x")),
        ("next_entry", None),
        ("nosuch", None),
        ("back", Some("a\\b\\\\c")),
        ("boot_counter", Some("10")),
        ("empty", None),
    ] {
        match value {
            Some(value) => {
                editenv(&["set", &format!("{name}={value}")]);
                ours.set(name, value).unwrap();
            }
            None => {
                editenv(&["unset", name]);
                ours.unset(name);
            }
        }
        let theirs = std::fs::read(&path).unwrap();
        assert_eq!(String::from_utf8_lossy(ours.bytes()), String::from_utf8_lossy(&theirs), "{name} {value:?}");
        let listed: String = ours.variables().iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        assert_eq!(listed, editenv(&["list"]), "{name} {value:?}");
    }
    let before = ours.clone();
    ours.set("big", &"x".repeat(2000)).unwrap_err();
    assert_eq!(ours, before);
    assert!(
        !run(
            "grub-common",
            Command::new("grub-editenv").arg(&path).arg("set").arg(format!("big={}", "x".repeat(2000)))
        )
        .status
        .success()
    );
}

#[test]
fn versions_compare_as_in_systemd() {
    let versions = [
        "1",
        "01",
        "1.0",
        "1.0.0",
        "1.10",
        "1.9",
        "1~rc1",
        "1~~",
        "1^post",
        "1-1",
        "1-2",
        "a",
        "1a",
        "1.a",
        "1.1",
        "a1",
        "b",
        "6.1.0-18-amd64",
        "6.12.9+bpo-amd64",
        "6.12.9",
        "5.14.0-503.el9.x86_64",
        "5.14.0-70.el9.x86_64",
        "1_2",
        "1.2",
        "~",
        "-",
        "^",
        ".",
        "124.conf",
        "ostree-2.conf",
        "ostree-10.conf",
        "ostree-2+3.conf",
        "00012",
        "12",
        "1..2",
        "1.-2",
    ];
    for (at, left) in versions.into_iter().enumerate() {
        for &right in &versions[at..] {
            let mut command = Command::new("systemd-analyze");
            let status = run("systemd", command.args(["compare-versions", "--", left, right])).status;
            let theirs = match status.code() {
                Some(0) => std::cmp::Ordering::Equal,
                Some(11) => std::cmp::Ordering::Greater,
                Some(12) => std::cmp::Ordering::Less,
                other => panic!("{left} {right}: systemd-analyze ends with {other:?}"),
            };
            assert_eq!(compare_versions(left, right), theirs, "{left} {right}");
            assert_eq!(compare_versions(right, left), theirs.reverse(), "{right} {left}");
        }
    }
}
