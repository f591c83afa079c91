//! Units as `systemd-analyze`, `systemctl` and `systemd-escape` read them.

mod judge;

use std::process::Command;

use builder_systemd::{
    Decision, DependencyKind, Found, Manager, NameKind, Severity, UnitName, UnitProblem, Units, escape, escape_path,
    unescape, unescape_path,
};
use judge::{Image, run};

const FOLDER: &str = "usr/lib/systemd/system";

fn unit(image: &mut Image, name: &str, text: &str) {
    image.file(&format!("{FOLDER}/{name}"), text);
}

/// An image whose default target has what systemd itself needs.
fn image() -> Image {
    let mut image = Image::new();
    for name in ["sysinit", "basic", "multi-user", "shutdown", "local-fs", "sockets", "network"] {
        unit(&mut image, &format!("{name}.target"), "[Unit]\nDescription=x\n");
    }
    image.link(&format!("{FOLDER}/default.target"), "multi-user.target");
    image.file_with("usr/bin/prog", "#!/bin/sh\n", 0o755);
    image.file_with("usr/bin/pr og", "#!/bin/sh\n", 0o755);
    image.file("usr/bin/noexec", "#!/bin/sh\n");
    image.directory("usr/bin/dir");
    image.link("usr/bin/link", "prog");
    image.link("usr/bin/absolute", "/usr/bin/prog");
    image.link("usr/bin/alternative", "/etc/alternatives/prog");
    image.link("etc/alternatives/prog", "/usr/bin/prog");
    image.link("usr/bin/dangling", "/usr/bin/none");
    image.link("bin", "usr/bin");
    image
}

fn read(image: &Image) -> Units {
    Units::read(&image.tree, Manager::System).unwrap()
}

fn told(units: &Units) -> Vec<String> {
    units.findings().iter().map(ToString::to_string).collect()
}

/// What `systemd-analyze verify` says of a unit.
fn verify(image: &Image, name: &str) -> (bool, String) {
    let arguments = ["verify", "--man=no", "--generators=no", "--recursive-errors=no", name];
    let output = image.run("systemd", "systemd-analyze", &arguments);
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The last line of a service of its own; whether it is fine.
const LINES: [(&str, bool); 50] = [
    ("ExecStart=-/nonexistent/x", true),
    ("ExecStart=/nonexistent/x", false),
    ("ExecStart=+!!/nonexistent", false),
    ("ExecStart=@/usr/bin/prog prog", true),
    ("ExecStart=@/usr/bin/prog", false),
    ("ExecStart=/usr/bin/prog a ; /usr/bin/prog b", true),
    ("ExecStart=/usr/bin/prog a \\; /usr/bin/missing b", true),
    ("ExecStart=\"/usr/bin/pr og\" x", true),
    ("ExecStart=/usr/bin/pr\\x20og x", true),
    ("ExecStart=prog", true),
    ("ExecStart=nosuchprog", false),
    ("ExecStart=bin/prog", false),
    ("ExecStart=/usr/bin/noexec", false),
    ("ExecStart=/usr/bin/%p", false),
    ("ExecStart=/usr/bin/%%", false),
    ("ExecStart=$FOO", false),
    ("ExecStart=/usr/bin/%z", false),
    ("ExecStart=/bin/prog", true),
    ("ExecStart=/usr/bin/dir", false),
    ("ExecStart=/usr/bin/link", true),
    ("ExecStart=/usr/bin/absolute", true),
    ("ExecStart=/usr/bin/alternative", true),
    ("ExecStart=/usr/bin/dangling", false),
    ("ExecStart=/usr/bin/../bin/prog", true),
    ("ExecStart=/usr/bin/prog \"unterminated", false),
    ("ExecStart=/usr/bin/prog \\q", false),
    ("ExecStart=\"/usr/bin/prog", false),
    ("ExecStart=:+/usr/bin/prog", true),
    ("ExecStart=::/usr/bin/prog", false),
    ("ExecStart=+!/usr/bin/prog", false),
    ("ExecStart=!!!/usr/bin/prog", false),
    ("ExecStart=--/usr/bin/prog", false),
    ("ExecStart=@-/nonexistent x", true),
    ("ExecStart=/usr/bin/", false),
    ("ExecStart=- /usr/bin/prog", false),
    ("ExecStart=/usr/bin/prog ;", true),
    ("ExecStart=/usr/bin//prog", true),
    ("ExecStart='/usr/bin/prog' 'a", false),
    ("ExecStart=\"-/usr/bin/prog\"", true),
    ("ExecStart=/usr/bin/prog \\\n  -x \\\n# between\n  -y", true),
    ("=value", false),
    ("[Bad", false),
    ("[]", false),
    ("[Socket]", false),
    ("[X-Mine]\nno setting at all", true),
    ("[Service]x", false),
    ("Key", false),
    ("ExecStartPre=/nonexistent\nExecStartPre=", true),
    ("ExecStopPost=/nonexistent", false),
    ("[Unit]\nDescription=no \u{e4} problem", true),
];

#[test]
fn systemd_says_the_same_of_each_line() {
    let mut image = image();
    for (number, (line, _)) in LINES.iter().enumerate() {
        // Nothing but the line can be wrong.
        let text = format!("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/usr/bin/prog\n{line}\n");
        unit(&mut image, &format!("u{number}.service"), &text);
    }
    let units = read(&image);
    for (number, (line, fine)) in LINES.iter().enumerate() {
        let name = format!("u{number}.service");
        let path = format!("{FOLDER}/{name}").into_bytes();
        let ours: Vec<_> = units.findings().iter().filter(|found| found.file == path).collect();
        assert_eq!(ours.is_empty(), *fine, "{line}: {ours:?}");
        let (success, text) = verify(&image, &name);
        // An unknown section, or text without a meaning, only makes a warning.
        assert_eq!(success && text.is_empty(), *fine, "{line}: {text}");
        for found in ours {
            let problem = found.problem.to_string();
            assert!(text.contains(&problem), "{line}: we say {problem}, and systemd {text}");
            if !matches!(found.problem, UnitProblem::Program { .. }) {
                let at = format!("{}:{}: ", name, found.line.unwrap());
                assert!(text.contains(&at), "{line}: {at} is not in {text}");
            }
        }
    }
}

#[test]
fn names_lead_to_files_templates_and_masks() {
    let mut image = image();
    unit(&mut image, "t@.service", "[Service]\nExecStart=/usr/bin/prog %i\n");
    unit(&mut image, "t@own.service", "[Service]\nExecStart=/usr/bin/prog own\n");
    unit(&mut image, "real.service", "[Service]\nExecStart=/usr/bin/prog\n");
    unit(&mut image, "masked.service", "[Service]\nExecStart=/usr/bin/prog\n");
    image.file(&format!("{FOLDER}/empty.service"), "");
    image.file("opt/vendor/linked.service", "[Service]\nExecStart=/usr/bin/prog\n");
    for (name, target) in [
        ("alias.service", "/usr/lib/systemd/system/real.service"),
        ("second.service", "alias.service"),
        ("ta@.service", "../../../usr/lib/systemd/system/t@.service"),
        ("t@alias.service", "/usr/lib/systemd/system/t@.service"),
        ("masked.service", "/dev/null"),
        ("linked.service", "../../../opt/vendor/linked.service"),
        ("real.service", "/usr/lib/systemd/system/real.service"),
    ] {
        image.link(&format!("etc/systemd/system/{name}"), target);
    }
    let units = read(&image);
    assert_eq!(told(&units), [] as [&str; 0]);
    for (name, expected) in [
        ("real.service", Some("usr/lib/systemd/system/real.service")),
        ("alias.service", Some("usr/lib/systemd/system/real.service")),
        ("second.service", Some("usr/lib/systemd/system/real.service")),
        ("t@.service", Some("usr/lib/systemd/system/t@.service")),
        ("t@x.service", Some("usr/lib/systemd/system/t@.service")),
        ("t@alias.service", Some("usr/lib/systemd/system/t@.service")),
        ("t@own.service", Some("usr/lib/systemd/system/t@own.service")),
        ("ta@x.service", Some("usr/lib/systemd/system/t@.service")),
        ("linked.service", Some("etc/systemd/system/linked.service")),
        ("default.target", Some("usr/lib/systemd/system/multi-user.target")),
        ("masked.service", None),
        ("empty.service", None),
    ] {
        match (units.find(name.as_bytes()), expected) {
            (Found::Unit(unit), Some(path)) => assert_eq!(unit.path(), path.as_bytes(), "{name}"),
            (Found::Masked(_), None) => {}
            (found, _) => panic!("{name}: {found:?}"),
        }
        let (success, text) = verify(&image, name);
        let masked = text.contains("masked");
        assert_eq!(success && text.is_empty(), expected.is_some(), "{name}: {text}");
        assert_eq!(masked, expected.is_none(), "{name}: {text}");
    }
    assert!(matches!(units.find(b"none.service"), Found::Missing));
    assert!(units.is_alias(b"alias.service") && !units.is_alias(b"real.service"));
    assert_eq!(units.default_target().unwrap().name().as_bytes(), b"multi-user.target");
}

#[test]
fn links_to_units_that_are_missing_are_told() {
    let mut image = image();
    unit(&mut image, "t@.service", "[Service]\nExecStart=/usr/bin/prog\n");
    unit(&mut image, "real.service", "[Service]\nExecStart=/usr/bin/prog\n");
    image.file(&format!("{FOLDER}/multi-user.target.wants/copied.service"), "[Service]\n");
    for (path, target) in [
        ("etc/systemd/system/multi-user.target.wants/gone.service", "/usr/lib/systemd/system/gone.service"),
        ("etc/systemd/system/multi-user.target.requires/gone.service", "/usr/lib/systemd/system/gone.service"),
        ("etc/systemd/system/multi-user.target.wants/gone.mount", "../gone.mount"),
        ("etc/systemd/system/multi-user.target.wants/dev-sda.device", "../dev-sda.device"),
        ("etc/systemd/system/multi-user.target.wants/t@1.service", "/usr/lib/systemd/system/t@.service"),
        ("etc/systemd/system/multi-user.target.wants/g@1.service", "/usr/lib/systemd/system/g@.service"),
        ("etc/systemd/system/multi-user.target.wants/real.service", "/lib/systemd/system/real.service"),
        ("etc/systemd/system/multi-user.target.upholds/real.service", "../../../../../../x/real.service"),
        ("etc/systemd/system/multi-user.target.wants/not a unit", "x"),
        ("etc/systemd/system/multi-user.target.wants/taken-back.service", "/dev/null"),
        ("usr/lib/systemd/system/multi-user.target.wants/taken-back.service", "../taken-back.service"),
        ("usr/lib/systemd/system/multi-user.target.wants/other.service", "../real.service"),
        ("etc/systemd/system/dangling.service", "/home/me/dangling.service"),
        ("etc/systemd/system/self.service", "/usr/lib/systemd/system/self.service"),
        ("etc/systemd/system/alias.service", "/usr/lib/systemd/system/none.service"),
        ("etc/systemd/system/wrong.socket", "/usr/lib/systemd/system/real.service"),
        ("etc/systemd/system/out.service", "../../../../out.service"),
        ("etc/systemd/system/loop.service", "loop.service"),
        ("lib", "usr/lib"),
    ] {
        image.link(path, target);
    }
    let units = read(&image);
    let mut found = told(&units);
    found.sort();
    let missing = "which has no unit file";
    let mut expected: Vec<_> = [
        ("etc", "multi-user.target.wants/gone.service", format!("multi-user.target wants gone.service, {missing}")),
        (
            "etc",
            "multi-user.target.requires/gone.service",
            format!("multi-user.target requires gone.service, {missing}"),
        ),
        ("etc", "multi-user.target.wants/gone.mount", format!("multi-user.target wants gone.mount, {missing}")),
        ("etc", "multi-user.target.wants/g@1.service", format!("multi-user.target wants g@1.service, {missing}")),
        ("etc", "multi-user.target.wants/not a unit", "'not a unit' is not a valid unit name, ignoring".to_owned()),
        (
            "etc",
            "multi-user.target.upholds/real.service",
            "the link's target '../../../../../../x/real.service' leads out of the image".to_owned(),
        ),
        (
            "usr/lib",
            "multi-user.target.wants/copied.service",
            "dependency dropin is not a symlink, but a regular file".to_owned(),
        ),
        (
            "usr/lib",
            "multi-user.target.wants/other.service",
            "dependency dropin target usr/lib/systemd/system/real.service has different name".to_owned(),
        ),
        (
            "usr/lib",
            "multi-user.target.wants/other.service",
            format!("multi-user.target wants other.service, {missing}"),
        ),
        ("etc", "dangling.service", "the link leads to /home/me/dangling.service, which does not exist".to_owned()),
        (
            "etc",
            "self.service",
            "the link leads to /usr/lib/systemd/system/self.service, which does not exist".to_owned(),
        ),
        ("etc", "alias.service", format!("it is another name for none.service, {missing}")),
        (
            "etc",
            "wrong.socket",
            "symlink target \"usr/lib/systemd/system/real.service\" does not match the link's name, rejecting"
                .to_owned(),
        ),
        ("etc", "out.service", "the link's target '../../../../out.service' leads out of the image".to_owned()),
        ("etc", "out.service", "the link leads to /out.service, which does not exist".to_owned()),
        ("etc", "loop.service", "Too many levels of symbolic links".to_owned()),
    ]
    .into_iter()
    .map(|(root, name, problem)| format!("/{root}/systemd/system/{name}: {problem}"))
    .collect();
    expected.sort();
    assert_eq!(found, expected);
    let severity = |name: &str| {
        let found = units.findings().iter().find(|found| found.file.ends_with(name.as_bytes())).unwrap();
        found.problem.severity()
    };
    assert_eq!(severity("requires/gone.service"), Severity::Error);
    assert_eq!(severity("wants/gone.service"), Severity::Warning);
    assert_eq!(severity("wants/gone.mount"), Severity::Notice);
    let wanted = units.links().iter().filter(|link| link.kind == DependencyKind::Wants && !link.masked).count();
    assert_eq!(wanted, 7);
}

#[test]
fn drop_ins_change_what_is_started() {
    let mut image = image();
    unit(
        &mut image,
        "a-b.service",
        "[Unit]\nConditionPathExists=/x\n[Service]\nExecStart=/usr/bin/none\nExecStop=/usr/bin/gone\n",
    );
    unit(&mut image, "c.service", "[Service]\nExecStart=/usr/bin/prog\n");
    for (path, text) in [
        ("etc/systemd/system/a-b.service.d/20.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/prog\n"),
        ("usr/lib/systemd/system/a-b.service.d/20.conf", "[Service]\nExecStartPre=/usr/bin/overridden\n"),
        ("usr/lib/systemd/system/a-.service.d/10.conf", "[Service]\nExecStartPost=/usr/bin/prefix\n"),
        ("usr/lib/systemd/system/service.d/30.conf", "[Service]\nExecReload=/usr/bin/all\n[Nonsense]\n"),
        ("usr/lib/systemd/system/service.d/40.conf", "[Service]\nExecReload=/usr/bin/masked\n"),
    ] {
        image.file(path, text);
    }
    image.link("etc/systemd/system/service.d/40.conf", "/dev/null");
    let units = read(&image);
    let mut found = told(&units);
    found.sort();
    let no_such = "is not executable: No such file or directory";
    let expected = [
        format!(
            "/usr/lib/systemd/system/a-.service.d/10.conf line 2: Command /usr/bin/prefix {no_such}, under conditions"
        ),
        format!("/usr/lib/systemd/system/a-b.service line 5: Command /usr/bin/gone {no_such}, under conditions"),
        format!("/usr/lib/systemd/system/service.d/30.conf line 2: Command /usr/bin/all {no_such}"),
        format!("/usr/lib/systemd/system/service.d/30.conf line 2: Command /usr/bin/all {no_such}, under conditions"),
        "/usr/lib/systemd/system/service.d/30.conf line 3: Unknown section 'Nonsense'. Ignoring.".to_owned(),
    ];
    assert_eq!(found, expected);
    for (name, expected) in
        [("a-b.service", &["/usr/bin/gone", "/usr/bin/prefix", "/usr/bin/all"][..]), ("c.service", &["/usr/bin/all"])]
    {
        let (_, text) = verify(&image, name);
        for program in [
            "/usr/bin/none",
            "/usr/bin/gone",
            "/usr/bin/prefix",
            "/usr/bin/all",
            "/usr/bin/overridden",
            "/usr/bin/masked",
        ] {
            let missing = format!("Command {program} {no_such}");
            assert_eq!(text.contains(&missing), expected.contains(&program), "{name} {program}: {text}");
        }
    }
    let Found::Unit(unit) = units.find(b"a-b.service") else { panic!("it is there") };
    let values: Vec<_> = units.list(unit, "Service", "ExecStart").iter().map(|setting| setting.value.clone()).collect();
    assert_eq!(values, [b"/usr/bin/prog".to_vec()]);
    assert_eq!(unit.conditions().count(), 1);
}

#[test]
fn presets_decide_as_systemctl_says() {
    let mut image = image();
    let names = ["en", "dis", "glob-a", "glob-b", "br1", "br2", "over", "plain", "masked-file", "other"];
    for name in names {
        unit(
            &mut image,
            &format!("{name}.service"),
            "[Service]\nExecStart=/usr/bin/prog\n[Install]\nWantedBy=multi-user.target\n",
        );
    }
    unit(&mut image, "t@.service", "[Service]\nExecStart=/usr/bin/prog\n[Install]\nWantedBy=multi-user.target\n");
    let folder = "usr/lib/systemd/system-preset";
    image.file(
        &format!("{folder}/90-x.preset"),
        "# c\n; c\nenable en.service\ndisable dis.service\ndisable en.service\nenable glob-*.service\n\
         enable t@.service a b\nenable br[1].service\ngarbage other.service\nenable a b c\n  disable   over.service\n\
         enable plain\n",
    );
    image.file("etc/systemd/system-preset/80-o.preset", "enable over.service\n");
    image.file(&format!("{folder}/85-m.preset"), "enable masked-file.service\n");
    image.link("etc/systemd/system-preset/85-m.preset", "/dev/null");
    image.file(&format!("{folder}/99-z.preset"), "disable *\n");
    let output = image.run("systemd", "systemctl", &["list-unit-files", "--no-pager", "--no-legend"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let units = read(&image);
    let mut compared = 0;
    for line in text.lines() {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [name, _, preset] = fields[..] else { panic!("{line}") };
        if preset == "-" {
            continue;
        }
        let (decision, rule) = units.presets().decide(name.as_bytes());
        assert_eq!(decision == Decision::Enable, preset.starts_with("enabled"), "{line}: {rule:?}");
        compared += 1;
    }
    assert_eq!(compared, names.len() + 1, "{text}{}", String::from_utf8_lossy(&output.stderr));
    let said = image.said(&output, &format!("{folder}/90-x.preset"));
    let found: Vec<_> =
        units.presets().findings().iter().map(|found| (found.line.unwrap(), found.problem.to_string())).collect();
    let judged: Vec<_> = said.into_iter().map(|(line, texts)| (line, texts[0].clone())).collect();
    assert_eq!(found, judged);
    assert_eq!(units.presets().decide(b"t@b.service").0, Decision::Enable);
    assert_eq!(units.presets().decide(b"t@c.service").0, Decision::Disable);
}

#[test]
fn names_are_escaped_as_systemd_escape_does() {
    let ask = |arguments: &[&str]| {
        let output = run("systemd", Command::new("systemd-escape").args(arguments));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let mut text = output.stdout;
        assert_eq!(text.pop(), Some(b'\n'));
        text
    };
    for text in ["a", "a-b", ".hidden", "a.b", "/a/b", "ünï", "a b", "\\x20", "a:b_c", "@", "-"] {
        let escaped = ask(&["--", text]);
        assert_eq!(escape(text.as_bytes()), escaped, "{text}");
        assert_eq!(unescape(&escaped).unwrap(), ask(&["--unescape", "--", std::str::from_utf8(&escaped).unwrap()]));
    }
    for path in ["/", "/a", "//a//b/", "/var/lib/a-b", "/.hidden/x", "/a b", "/dev/disk/by-uuid/1-2"] {
        let escaped = ask(&["--path", path]);
        assert_eq!(escape_path(path.as_bytes()).unwrap(), escaped, "{path}");
        let back = ask(&["--path", "--unescape", "--", std::str::from_utf8(&escaped).unwrap()]);
        assert_eq!(unescape_path(&escaped).unwrap(), back, "{path}");
    }
    let name = UnitName::parse(b"mnt-a\\x2db.mount").unwrap();
    assert_eq!((name.kind(), unescape_path(name.prefix()).unwrap()), (NameKind::Plain, b"/mnt/a-b".to_vec()));
}

#[test]
fn a_system_without_a_default_target_is_told() {
    let mut image = Image::new();
    unit(&mut image, "a.service", "[Service]\nExecStart=/bin/x\n[Bad\n");
    assert_eq!(
        told(&read(&image)),
        [
            "/usr/lib/systemd/system/a.service line 3: Invalid section header '[Bad'",
            "/usr/lib/systemd/system/default.target: default.target is missing, so the system starts rescue.target",
        ]
    );
    image.link("etc/systemd/system/default.target", "/dev/null");
    assert!(told(&read(&image))[1].contains("default.target is masked"));
    assert!(Units::read(&image.tree, Manager::User).unwrap().names().next().is_none());
}

#[test]
fn user_units_lie_elsewhere() {
    let mut image = Image::new();
    image.file("usr/lib/systemd/user/a.service", "[Service]\nExecStart=/usr/bin/none\n");
    image.link("etc/systemd/user/default.target.wants/b.service", "/usr/lib/systemd/user/b.service");
    image.file("usr/lib/systemd/user-preset/90.preset", "disable a.service\n");
    let units = Units::read(&image.tree, Manager::User).unwrap();
    let expected = [
        "/etc/systemd/user/default.target.wants/b.service: default.target wants b.service, which has no unit file",
        "/usr/lib/systemd/user/a.service line 2: Command /usr/bin/none is not executable: No such file or directory",
    ];
    assert_eq!(told(&units), expected);
    assert_eq!(units.presets().decide(b"a.service").0, Decision::Disable);
}
