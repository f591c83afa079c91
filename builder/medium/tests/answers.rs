//! Answers: what is taken, what is refused and how, judged by their JSON Schema and by a shell.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use builder_block::ByteSize;
use builder_medium::{Answers, AnswersError, Bus, Choice, DriveFacts, Finish, MOST_ANSWERS, Pattern};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDqSGuCfVKBpkvtfUlC1zvFwEJMIgNMLe1zQSBfnNuXj";

/// Whether the schema can say that something is wrong, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Schema {
    Refuses,
    CannotTell,
}
use Schema::{CannotTell, Refuses};

fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates")
}

/// What a judge prints.
fn judge<A: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap_or_else(|error| {
        panic!("cannot run {tool}: {error}: install the Debian package `{tool}` (tests/install-judges does)")
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether the schema takes each of `texts`, as Python's TOML reader understands it.
fn schema_takes(texts: &[&str]) -> Vec<bool> {
    let script = "import json, sys, tomllib
try:
    from jsonschema import Draft202012Validator as Validator
except ImportError:
    sys.exit('install the Debian package `python3-jsonschema` (tests/install-judges does)')
schema = json.load(open(sys.argv[1]))
Validator.check_schema(schema)
for path in sys.argv[2:]:
    try:
        print(Validator(schema).is_valid(tomllib.load(open(path, 'rb'))))
    except tomllib.TOMLDecodeError:
        print('no TOML')
";
    let directory = tempfile::tempdir().unwrap();
    let mut arguments = vec!["-c".into(), script.into(), templates().join("answers.schema.json")];
    for (number, text) in texts.iter().enumerate() {
        let path = directory.path().join(number.to_string());
        fs::write(&path, text).unwrap();
        arguments.push(path);
    }
    judge("python3", arguments).lines().map(|line| line == "True").collect()
}

#[test]
fn what_is_taken_is_taken_by_the_schema() {
    let hashes = [
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
        "$6$rounds=5000$usesomesillystri$D4IrlXatmP7rx3P3InaxBeoomnAihCKRVQAr/36eYOSJ0sqhbM6Bo4Nr0jSDVQqDVUJVzqoqQ0Jqhb0mSDVQqD",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$5$rounds=10$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEl8",
    ];
    let mut texts = vec![
        String::new(),
        "\n\n\n\n".to_owned(),
        "destructive = false\n".to_owned(),
        "destructive = true\n[drive]\nonly = true\n".to_owned(),
        "drive = { path = '/dev/nvme?n1', removable = true }\ndestructive = true\n".to_owned(),
        "[drive]\nfresh-ids = true\n".to_owned(),
        "[drive]\nmin-size = '1.5 TB'\nmax-size = '2TiB'\nbus = 'mmc'\n".to_owned(),
        "[system]\nhostname = 'Web-1.example.org'\nlocale = 'ca_ES.UTF-8@valencia'\nkargs = []\n".to_owned(),
        "[system]\nlocale = 'C'\ntimezone = 'America/Argentina/Buenos_Aires'\nkeymap = 'de-latin1'\n".to_owned(),
        "[system]\ntimezone = 'Etc/GMT+5'\nkargs = ['console=tty0', 'rootwait', 'quiet', 'a.b=1,2:3@4']\n".to_owned(),
        format!("[[users]]\nname = 'root'\nssh-keys = [ 'from=\"10.0.0.0/8\",no-pty {KEY} anna@desk' ]\n"),
        "[[users]]\nname = '_a-1'\nuid = 65536\nshell = '/usr/bin/fish'\ngecos = 'Ana Ólafsdóttir, room 5'\n"
            .to_owned(),
        "[[network]]\nname = 'Wired connection 1.nmconnection'\ncontent = '''\n# of mine\n\n[connection]\nid=x'''\n"
            .to_owned(),
        "[[network]]\nname = '10-lan.network'\ncontent = '[Match]'\n[finish]\naction = 'halt'\n".to_owned(),
        fs::read_to_string(templates().join("answers.example.toml")).unwrap(),
    ];
    texts.extend(hashes.map(|hash| format!("[[users]]\nname = 'a'\npassword-hash = '{hash}'\n")));
    for text in &texts {
        Answers::parse("a.toml", text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    for (taken, text) in schema_takes(&texts).into_iter().zip(texts) {
        assert!(taken, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_was_meant() {
    let user = |line: &str| format!("[[users]]\nname = 'anna'\n{line}\n");
    let network = |name: &str, content: &str| format!("[[network]]\nname = '{name}'\ncontent = '''{content}'''\n");
    let cases: Vec<(String, &str, Schema)> = vec![
        (
            "destructive = true\n".into(),
            "1:15: `destructive`: a drive is erased without a question only if [drive]",
            Refuses,
        ),
        ("destructive = true\n[drive]\nfresh-ids = true\n".into(), "1:15: `destructive`: a drive is", Refuses),
        ("destructive = 'yes'\n".into(), "1:15: `destructive`: it is a text, and must be true or false", Refuses),
        ("destructiv = true\n".into(), "1:1: unknown key `destructiv`; did you mean `destructive`?", Refuses),
        ("[disk]\nonly = true\n".into(), "1:2: unknown key `disk`; known are destructive, drive, system", Refuses),
        (
            "[drive]\nminsize = '1G'\n".into(),
            "2:1: unknown key `minsize` in [drive]; did you mean `min-size`?",
            Refuses,
        ),
        (
            "[drive]\nmin-size = 20\n".into(),
            "2:12: `min-size` in [drive]: it is a number, and must be a text in quotes",
            Refuses,
        ),
        (
            "[drive]\nmin-size = '20 parsecs'\n".into(),
            "2:12: `min-size` in [drive]: `20 parsecs` is not a size",
            Refuses,
        ),
        (
            "[drive]\nmin-size='2T'\nmax-size='1T'\n".into(),
            "3:10: `max-size` in [drive]: 1 TiB is less than",
            CannotTell,
        ),
        ("[drive]\nbus = 'sata'\n".into(), "2:7: `bus` in [drive]: `sata` is none; did you mean `ata`?", Refuses),
        (
            "[drive]\nmodel = 'S[ab]'\n".into(),
            "2:9: `model` in [drive]: `S[ab]` has a `[`, and patterns have only",
            Refuses,
        ),
        ("[drive]\nserial = ''\n".into(), "2:10: `serial` in [drive]: the pattern is empty", Refuses),
        ("[drive]\npath = 'nvme0n1'\n".into(), "2:8: `path` in [drive]: it does not begin with /dev/", Refuses),
        ("drive = 'sda'\n".into(), "1:9: `drive`: it is a text, and must be a table: [drive]", Refuses),
        (
            "[system]\nhostname = 'web_1'\n".into(),
            "2:12: `hostname` in [system]: `web_1` is no host name: it may have",
            Refuses,
        ),
        ("[system]\nhostname = '-web'\n".into(), "must not begin or end with `-`", Refuses),
        ("[system]\nhostname = 'a..b'\n".into(), "must have 1 to 63 bytes", Refuses),
        (format!("[system]\nhostname = '{}.b'\n", "a".repeat(63)), "it has 65 bytes, and must have 1 to 64", Refuses),
        ("[system]\nlocale = 'de DE'\n".into(), "`de DE` is no locale", Refuses),
        ("[system]\ntimezone = '../../etc/shadow'\n".into(), "`../../etc/shadow` is no time zone", Refuses),
        ("[system]\ntimezone = '/Europe/Berlin'\n".into(), "is no time zone", Refuses),
        ("[system]\nkeymap = '.x'\n".into(), "`.x` is no keyboard map", Refuses),
        ("[system]\nkargs = 'quiet'\n".into(), "2:9: `kargs` in [system]: it is a text, and must be a list", Refuses),
        (
            "[system]\nkargs = ['a', 1]\n".into(),
            "2:15: `kargs` in [system]: it is a number, and must be a list of texts",
            Refuses,
        ),
        (
            "[system]\nkargs = ['a b']\n".into(),
            "the argument `a b` has a blank in it, which would make it two",
            Refuses,
        ),
        (
            "[system]\nkargs = [\n'ok',\n\"a\\nb\"]\n".into(),
            "4:1: `kargs` in [system]: the argument `a\\nb` has a blank",
            Refuses,
        ),
        ("[system]\nkargs = ['a=$x']\n".into(), "has a character in it that boot loaders do not pass on", Refuses),
        ("[system]\nkargs = ['root=/dev/sda']\n".into(), "says where the system is, which the medium knows", Refuses),
        ("[system]\nkargs = ['ä', 'ä']\n".into(), "2:15: `kargs` in [system]: `ä` is there twice", Refuses),
        ("[users]\nname = 'a'\n".into(), "1:1: `users`: it is a table, and must be in tables: [[users]]", Refuses),
        ("[[users]]\nuid = 1000\n".into(), "1:1: there is no `name` in [[users]]", Refuses),
        (
            "[[users]]\nname = 'Anna'\n".into(),
            "`Anna` is no name of a user or group: it must begin with a small",
            Refuses,
        ),
        (format!("[[users]]\nname = '{}'\n", "a".repeat(32)), "it has 32 bytes, and must have 1 to 31", Refuses),
        (user("[[users]]\nname = 'anna'"), "4:8: `name` in [[users]]: `anna` is there twice", CannotTell),
        (
            user("uid = 1000\n[[users]]\nname = 'b'\nuid = 1000"),
            "6:7: `uid` in [[users]]: another user has it",
            CannotTell,
        ),
        (user("uid = 65534"), "3:7: `uid` in [[users]]: 65534 is not for people", Refuses),
        (user("uid = 0"), "0 is not for people", Refuses),
        (user("uid = 99999999999999999999"), "the number is too large", Refuses),
        (
            user("password = 'secret'"),
            "3:1: unknown key `password` in [[users]]; whoever has the medium could read it: `password-hash` takes a hash, `mkpasswd`",
            Refuses,
        ),
        (
            user("password-hash = 'secret'"),
            "this is no hash of a password; `mkpasswd` or `openssl passwd -6` make one",
            Refuses,
        ),
        (user("password-hash = '$1$abc$3iZVyUvPnIqrjUWOzGCJ50'"), "the method of this hash can be broken", Refuses),
        (user("password-hash = '$6$abc$tooshort'"), "this hash of a password is cut off or damaged", Refuses),
        (user(&format!("password-hash = '$6$a:b${}'", "a".repeat(86))), "cut off or damaged", Refuses),
        (user("groups = ['wheel', 'wheel']"), "3:20: `groups` in [[users]]: `wheel` is there twice", Refuses),
        (user("groups = ['wheel,docker']"), "`wheel,docker` is no name of a user or group", Refuses),
        (user("groups = ['anna']"), "`anna` gets a group of that name anyway", CannotTell),
        (
            user("ssh-keys = ['-----BEGIN OPENSSH PRIVATE KEY-----']"),
            "3:13: `ssh-keys` in [[users]]: this is a private key",
            Refuses,
        ),
        (user("ssh-keys = ['ssh-rsa hello']"), "this is no public key", Refuses),
        (user(&format!("ssh-keys = [\"{KEY}\\n{KEY}\"]")), "a key is one line", Refuses),
        (user(&format!("ssh-key = ['{KEY}']")), "did you mean `ssh-keys`?", Refuses),
        (user("shell = 'bash'"), "`bash` is no path of a shell", Refuses),
        (user("shell = '/bin/../sh'"), "is no path of a shell", Refuses),
        (user("gecos = 'a:b'"), "it has a colon or a control character in it", Refuses),
        (
            "[[users]]\nname = 'root'\ngroups = ['wheel']\n".into(),
            "3:10: `groups` in [[users]]: root is made by the image",
            Refuses,
        ),
        (network("wired.conf", "[x]"), "2:8: `name` in [[network]]: nobody reads `wired.conf`", Refuses),
        (network("../x.network", "[x]"), "is no name of a file", Refuses),
        (network(".network", "[x]"), "nobody reads `.network`", Refuses),
        (network("a.link", "a=b\n[x]"), "3:11: `content` in [[network]]: it does not begin with a section", Refuses),
        (
            network("a.link", "[x]") + &network("a.link", "[x]"),
            "5:8: `name` in [[network]]: `a.link` is there twice",
            CannotTell,
        ),
        ("[[network]]\nname = 'a.link'\n".into(), "1:1: there is no `content` in [[network]]", Refuses),
        ("[finish]\naction = 'shutdown'\n".into(), "`shutdown` is none of reboot, poweroff, halt", Refuses),
        // What TOML itself forbids.
        ("[system]\nhostname = 'a'\nhostname = 'b'\n".into(), "3:1: duplicate key", Refuses),
        ("[system\n".into(), "1:8: ", Refuses),
        ("a = 2026-01-01\n".into(), "1:1: unknown key `a`", Refuses),
    ];
    for (text, words, _) in &cases {
        let error = Answers::parse("my.toml", text).expect_err(text);
        let AnswersError::Wrong { problems, .. } = &error else { panic!("{error}") };
        assert_eq!(problems.len(), 1, "{error}");
        let error = error.to_string();
        assert!(error.starts_with("my.toml:") && error.contains(words), "{error}\n{words}");
    }
    let texts: Vec<_> = cases.iter().map(|(text, ..)| text.as_str()).collect();
    for (taken, (text, _, schema)) in schema_takes(&texts).into_iter().zip(&cases) {
        assert_eq!(taken, *schema == CannotTell, "{text}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let text = "[finish]\naction = 1\n[system]\nhostnam = 'a'\nlocale = ''\n[drive]\nbus = 'x'\n";
    let error = Answers::parse("a", text).unwrap_err();
    let expected = "\
a:2:10: `action` in [finish]: it is a number, and must be a text in quotes
a:4:1: unknown key `hostnam` in [system]; did you mean `hostname`?
a:5:10: `locale` in [system]: `` is no locale: expected one such as de_DE.UTF-8 or C.UTF-8
a:7:7: `bus` in [drive]: `x` is none of nvme, virtio, ata, usb, scsi, mmc";
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().contains("answers.example.toml"));
}

#[test]
fn answers_made_to_hurt_are_refused_in_few_words() {
    for text in [
        "x".repeat(MOST_ANSWERS + 1),
        "[".repeat(MOST_ANSWERS),
        format!("a = {}", "[".repeat(60_000)),
        format!("a = {}{}", "[".repeat(30_000), "]".repeat(30_000)),
        format!("a = {}", "{a=".repeat(20_000)),
        "a.".repeat(30_000) + "a = 1",
        "a = 1\n".repeat(10_000),
        (0..9_000).map(|n| format!("k{n}=1\n")).collect(),
        format!("\"{}\" = 1", "é".repeat(30_000)),
        format!("[drive]\nmodel = '{}'", "*a".repeat(30_000)),
        "\u{feff}\u{202e}=\u{0}".to_owned(),
    ] {
        let error = Answers::parse("a", &text).unwrap_err().to_string();
        assert!(error.len() < 8_000, "{} bytes", error.len());
    }
}

#[test]
fn no_damage_to_a_file_is_more_than_an_error() {
    let text = fs::read_to_string(templates().join("answers.example.toml")).unwrap();
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(7).collect();
    let mut taken = 0;
    for (number, &at) in places.iter().enumerate() {
        let (before, rest) = text.split_at(at);
        let put = ["\"", "[", "]", "=", "\n", "\0", "9", "'''"][number % 8];
        for damaged in [before.to_owned(), format!("{before}{put}{rest}"), format!("{before}{}", &rest[1..])] {
            match Answers::parse("a", &damaged) {
                Ok(_) => taken += 1,
                Err(AnswersError::Wrong { problems, .. }) => {
                    let lines = damaged.lines().count() + 1;
                    assert!(problems.iter().all(|problem| (1..=lines).contains(&problem.line)), "{problems:?}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    // Comments make up half of it.
    assert!(taken > places.len() / 2, "{taken}");
}

#[test]
fn the_example_has_every_key_of_the_schema_once() {
    let script = "import json, sys, tomllib
schema, example = json.load(open(sys.argv[1])), tomllib.load(open(sys.argv[2], 'rb'))
def keys(schema, value, at):
    schema = schema.get('items', schema) if isinstance(value, list) else schema
    values = value if isinstance(value, list) else [value]
    for name, inner in schema.get('properties', {}).items():
        found = [one[name] for one in values if name in one]
        print(at + name, 'is there' if found else 'is missing')
        for one in found[:1]:
            keys(inner, one, at + name + '.')
keys(schema, example, '')
";
    let arguments: [PathBuf; 4] =
        ["-c".into(), script.into(), templates().join("answers.schema.json"), templates().join("answers.example.toml")];
    let said = judge("python3", arguments);
    assert!(said.lines().count() > 25, "{said}");
    assert!(!said.contains("missing"), "{said}");
    let text = fs::read_to_string(templates().join("answers.example.toml")).unwrap();
    let answers = Answers::parse("answers.example.toml", &text).unwrap();
    assert!(answers.unattended());
    assert_eq!(answers.finish, Some(Finish::Reboot));
}

#[test]
fn patterns_match_as_in_a_shell() {
    let patterns =
        ["*", "?", "Samsung SSD*", "*980*PRO", "a*b*c", "s4ev?????", "/dev/disk/by-id/*", "??*", "*a?", "**x**"];
    let texts = [
        "",
        "a",
        "x",
        "samsung ssd 980 pro",
        "SAMSUNG SSD",
        "Samsung  SSD",
        "abc",
        "aXbbYc",
        "acb",
        "S4EV12345",
        "S4EV1234",
        "/dev/disk/by-id/ata-X/y",
        "bab",
        "zzzax",
    ];
    let script = "shopt -s nocasematch; n=$1; shift; p=(\"${@:1:n}\"); shift $n
for p in \"${p[@]}\"; do for t in \"$@\"; do [[ $t == $p ]] && echo 1 || echo 0; done; done";
    let number = patterns.len().to_string();
    let arguments = ["-c", script, "bash", &number].into_iter().chain(patterns).chain(texts);
    let said = judge("bash", arguments);
    let mut said = said.lines().map(|line| line == "1");
    for pattern in patterns {
        for text in texts {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), said.next().unwrap(), "{pattern} for {text}");
        }
    }
    assert_eq!(said.next(), None);
}

fn drive(name: &str, model: &str, serial: Option<&str>, bus: Bus, gib: u64) -> DriveFacts {
    DriveFacts {
        name: name.to_owned(),
        paths: vec![format!("/dev/{name}"), format!("/dev/disk/by-path/pci-{name}")],
        model: Some(model.to_owned()),
        serial: serial.map(str::to_owned),
        bus: Some(bus),
        size: ByteSize::gib(gib),
        removable: bus == Bus::Usb,
    }
}

#[test]
fn a_drive_is_chosen_only_if_it_alone_is_meant() {
    let drives = [
        drive("sda", "Disk A ", Some("1111"), Bus::Ata, 100),
        drive("nvme0n1", "Samsung SSD 980", Some("S4EV22"), Bus::Nvme, 1000),
        drive("sdb", "Stick", None, Bus::Usb, 30),
    ];
    for (rules, count, words) in [
        (
            "only = true",
            3,
            "2 drives could be installed to, and [drive] says that there is only one\n  sda (Disk A, serial 1111, 100 GiB)\n  nvme0n1",
        ),
        ("only = true", 1, "hold for sda"),
        ("only = true", 0, "there is no drive that could be installed to"),
        (
            "only = true\nmin-size = '200G'",
            1,
            "hold for no drive\n  sda (Disk A, serial 1111, 100 GiB): it has 100 GiB, less than 200 GiB",
        ),
        ("only = true\nremovable = true", 3, "3 drives could be installed to"),
        ("min-size = '50G'", 3, "hold for 2 drives, and must for exactly one\n  sda"),
        ("min-size = '50G'\nmax-size = '100 GiB'", 3, "hold for sda"),
        ("model = 'disk a'", 3, "hold for sda"),
        ("serial = 's4ev*'", 3, "hold for nvme0n1"),
        ("serial = '*'\nremovable = true", 3, "hold for 2 drives"),
        ("bus = 'usb'", 3, "sdb (Stick, 30 GiB): it is removable, and `removable = true` is not there"),
        ("bus = 'usb'\nremovable = true", 3, "hold for sdb (Stick, 30 GiB)"),
        ("path = '/dev/disk/by-path/pci-nvme*'", 3, "hold for nvme0n1"),
        ("path = '/dev/sd?'", 2, "hold for sda"),
        ("bus = 'scsi'", 2, "sda (Disk A, serial 1111, 100 GiB): its bus is `ata`, not `scsi`"),
        ("model = 'x'", 2, "its model is `Disk A `, not `x`"),
        ("path = '/dev/vda'", 1, "none of its paths is `/dev/vda`"),
    ] {
        let answers = Answers::parse("a", &format!("destructive = true\n[drive]\n{rules}\n")).unwrap();
        let choice = answers.drive.choose(&drives[..count]);
        assert!(choice.to_string().contains(words), "{rules}: {choice}");
        assert_eq!(
            matches!(choice, Choice::One(_)),
            words.starts_with("hold for ") && !words.contains("drive"),
            "{rules}"
        );
    }
}

#[test]
fn a_medium_says_what_it_will_do() {
    let manifest = serde_json::json!({
        "format": 1, "id": "00000000-0000-8000-8000-000000000000",
        "system": {
            "name": "Debian GNU/Linux 13 (trixie)", "architecture": "amd64", "tracks": "quay.io/me/os:1", "digest": "",
            "deployment": "ostree/deploy/default/deploy/0.0", "var": "ostree/deploy/default/var", "kargs": [], "ostree": "",
            "loader": { "kind": "grub", "label": "", "program": "" }, "live": true
        },
        "disk": {
            "size": 4096, "sector_size": 512, "guid": "00000000-0000-8000-8000-000000000000", "partitions": []
        },
        "payload": { "size": 1, "block_size": 4096, "blocks": 1 }
    });
    let manifest = builder_medium::Manifest::read(manifest.to_string().as_bytes()).unwrap();
    let installs = "Installs Debian GNU/Linux 13 (trixie) (amd64), which gets its updates from quay.io/me/os:1";
    let example = fs::read_to_string(templates().join("answers.example.toml")).unwrap();
    // Every key has a say, also one that the example leaves off.
    let example = example.replace("fresh-ids = false", "fresh-ids = true ");
    for (text, expected) in [
        (
            "",
            &[
                "Asks which drive to install to, and for its name to be typed before it erases it",
                installs,
                "Asks before it reboots the machine",
            ][..],
        ),
        (
            "[drive]\nbus = 'nvme'\nremovable = true\n[[users]]\nname = 'b'\n[[users]]\nname = 'root'\n",
            &[
                "Asks which drive to install to, offering the only drive that is connected by nvme (removable ones count), and for its name to be typed before it erases it",
                installs,
                "Creates user b without a way to log in",
                "Leaves root as it is",
                "Asks before it reboots the machine",
            ],
        ),
        (
            "destructive = true\ndrive = { only = true, min-size = '20G' }",
            &[
                "Erases the only drive that could be installed to, if it has 20 GiB or more (removable ones do not count), without asking; erases nothing if there is none or there are several",
                installs,
                "Reboots the machine when it is done, since no other end is asked for",
            ],
        ),
        (
            &example,
            &[
                "Erases the only drive that could be installed to, if it has 20 GiB or more and has 2 TiB or less and has a model like `Samsung SSD*` and has a serial number like `S4EV*` and is connected by nvme and is at `/dev/disk/by-path/*` (removable ones do not count), without asking; erases nothing if there is none or there are several",
                installs,
                "Gives the disk, its partitions and file systems identifiers of their own",
                "Calls the machine web1",
                "Sets the locale to de_DE.UTF-8",
                "Sets the time zone to Europe/Berlin",
                "Sets the console's keyboard map to de",
                "Adds the kernel arguments console=ttyS1",
                "Creates user anna (1000) with 1 SSH key and a password, in group wheel, with the shell /bin/bash",
                "Gives root 1 SSH key",
                "Puts the network file wired.nmconnection into /etc/NetworkManager/system-connections",
                "Reboots the machine when it is done",
            ],
        ),
    ] {
        let answers = Answers::parse("a", text).unwrap();
        assert_eq!(builder_medium::words(&answers, &manifest), expected, "{text}");
    }
}

#[test]
fn a_hash_is_not_printed_by_accident() {
    let text = fs::read_to_string(templates().join("answers.example.toml")).unwrap();
    let answers = Answers::parse("a", &text).unwrap();
    let hash = answers.users[0].password.as_ref().unwrap().text();
    assert!(hash.starts_with("$6$example$") && !format!("{answers:?}").contains(hash));
}
