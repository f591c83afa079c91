//! Databases as their own managers read them.

use std::path::Path;
use std::process::Command;

use builder_packages::{Manager, PackageSet, read};
use builder_tree::{Content, FileTree, Inode, Metadata};

fn run(package: &str, command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn add(tree: &mut FileTree, path: &str, bytes: Vec<u8>) {
    let file = Inode::regular(Metadata::root(0o644), Content::bytes(bytes));
    tree.insert(path.as_bytes(), file, &Metadata::root(0o755)).unwrap();
}

/// One line for each package, in the order of the lines.
fn lines(set: &PackageSet) -> Vec<String> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let mut lines: Vec<_> = set
        .packages
        .iter()
        .map(|package| {
            [
                package.name.clone(),
                package.version.clone(),
                text(&package.architecture),
                text(&package.license).split_whitespace().collect::<Vec<_>>().join(" "),
                text(&package.source),
                text(&package.supplier),
                text(&package.homepage),
                package.installed_size.map(|size| size.to_string()).unwrap_or_default(),
            ]
            .join("|")
        })
        .collect();
    lines.sort();
    lines
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn dpkg_query_sees_the_same_packages() {
    let format = "${db:Status-Status} ${Package}|${Version}|${Architecture}||${Source}|${Maintainer}|${Homepage}|\
                  ${Installed-Size}\n";
    let judged = run("dpkg", Command::new("dpkg-query").args(["--show", "--showformat", format]));
    let expected: Vec<_> = judged
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(|line| {
            // Dpkg counts in KiB.
            let (rest, size) = line.rsplit_once('|').unwrap();
            let bytes = size.parse::<u64>().map(|size| (size * 1024).to_string()).unwrap_or_default();
            format!("{rest}|{bytes}")
        })
        .collect();
    assert!(expected.len() > 100, "this machine has no dpkg database");

    let status = std::fs::read("/var/lib/dpkg/status").unwrap();
    for place in ["usr/lib/sysimage/dpkg", "var/lib/dpkg"] {
        let mut tree = FileTree::new();
        add(&mut tree, &format!("{place}/status"), status.clone());
        let set = read(&tree).unwrap().unwrap();
        assert_eq!(set.manager, Manager::Dpkg);
        assert!(set.packages.is_sorted());
        assert_eq!(lines(&set), sorted(&expected.join("\n")), "{place}");
    }
}

/// `python3-debian` reads all copyright files of this machine; one line for each package: the licences of its files.
const COPYRIGHT_JUDGE: &str = r#"
import logging, os, sys
logging.disable(logging.CRITICAL)
from debian.copyright import Copyright
for package in sys.stdin.read().split():
    try:
        with open("/usr/share/doc/%s/copyright" % package, encoding="utf-8") as text:
            copyright = Copyright(text, strict=False)
        licenses = [copyright.header.license] + [files.license for files in copyright.all_files_paragraphs()]
        names = list(dict.fromkeys(license.synopsis for license in licenses if license and license.synopsis))
        if not copyright.header.format:
            names = []
    except Exception:
        names = []
    print(package + "|" + "|".join(names))
"#;

#[test]
fn python_debian_sees_the_same_licenses() {
    let mut tree = FileTree::new();
    let (mut status, mut names) = (String::new(), Vec::new());
    for entry in std::fs::read_dir("/usr/share/doc").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Ok(copyright) = std::fs::read(format!("/usr/share/doc/{name}/copyright")) {
            add(&mut tree, &format!("usr/share/doc/{name}/copyright"), copyright);
            status += &format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n");
            names.push(name);
        }
    }
    add(&mut tree, "usr/lib/sysimage/dpkg/status", status.into());
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), names.join("\n")).unwrap();
    // Debian's own interpreter: another one has no package of Debian's.
    let mut judge = Command::new("/usr/bin/python3");
    judge.args(["-c", COPYRIGHT_JUDGE]).stdin(input.reopen().unwrap());
    let output = judge.output().expect("install the Debian package `python3`");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\ninstall the Debian package `python3-debian`");
    let judged = String::from_utf8(output.stdout).unwrap();

    let set = read(&tree).unwrap().unwrap();
    let (mut same, mut different) = (0, Vec::new());
    for line in judged.lines() {
        let (name, names) = line.split_once('|').unwrap();
        let package = set.packages.iter().find(|package| package.name == name).unwrap();
        // The names only, without what joins them.
        let names: Vec<_> = names.split('|').filter(|name| !name.is_empty()).collect();
        let expected = names.iter().map(|name| {
            let choice = name.split_whitespace().any(|word| word.eq_ignore_ascii_case("or"));
            if choice && names.len() > 1 { format!("({name})") } else { (*name).to_owned() }
        });
        let expected = Some(expected.collect::<Vec<_>>().join(" AND ")).filter(|text| !text.is_empty());
        match package.license == expected {
            true => same += usize::from(expected.is_some()),
            false => different.push(format!("{name}: {:?}, judged {expected:?}", package.license)),
        }
    }
    assert!(same > 100, "{same}");
    // The judge is more or less forgiving in files that break the rules of their format.
    assert!(different.len() * 50 < same, "{same} are the same, and these are not:\n{}", different.join("\n"));
}

/// Packages of one source: enough of them, and long enough, for a tree of several levels with chains.
fn spec(packages: usize) -> String {
    let mut spec = "Name: many\nVersion: 1.0~rc1\nRelease: 2\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
                    Vendor: Ä Vendor\n%description\nx\n%files\n%install\n"
        .to_owned();
    spec += "mkdir -p %{buildroot}/data\nhead -c 4321 /dev/zero > %{buildroot}/data/file\n";
    for number in 0..packages {
        spec += &format!("%package p{number}\nSummary: {number}\n");
        spec += match number % 4 {
            0 => "Epoch: 3\nLicense: GPL-2.0-or-later AND MIT\n",
            1 => "Epoch: 0\nLicense: LGPLv2+ and (BSD or MIT)\n",
            2 => "URL: https://example.com/a?b=c\nVersion: 2^git\n",
            _ => "Release: 7.el9\n",
        };
        let words = if number % 10 == 0 { 4000 } else { 20 };
        spec += &format!("%description p{number}\n{}\n", format!("word{number} ").repeat(words));
        spec += &format!("%files p{number}\n{}", if number == 7 { "/data\n" } else { "" });
    }
    spec + "%package -n gpg-pubkey\nSummary: x\n%description -n gpg-pubkey\nx\n%files -n gpg-pubkey\n"
}

fn rpm(program: &str, folder: &Path, arguments: &[&str]) -> String {
    let database = format!("_dbpath {}/db", folder.display());
    let top = format!("_topdir {}", folder.display());
    let mut command = Command::new(program);
    command.env("SOURCE_DATE_EPOCH", "1700000000");
    for define in [&database, &top, "_binary_payload w0.gzdio", "_db_backend sqlite", "_build_id_links none"] {
        command.args(["--define", define]);
    }
    run("rpm", command.args(arguments))
}

#[test]
fn rpm_sees_the_same_packages() {
    let folder = tempfile::tempdir().unwrap();
    let spec_path = folder.path().join("many.spec");
    std::fs::write(&spec_path, spec(200)).unwrap();
    rpm("rpmbuild", folder.path(), &["-bb", "--quiet", spec_path.to_str().unwrap()]);
    let built = folder.path().join("RPMS/noarch");
    let files = std::fs::read_dir(built).unwrap().map(|entry| entry.unwrap().path().to_str().unwrap().to_owned());
    let files: Vec<_> = files.collect();
    let mut arguments = vec!["--install", "--justdb", "--nodeps", "--nosignature", "--noscripts"];
    arguments.extend(files.iter().map(String::as_str));
    rpm("rpm", folder.path(), &["--initdb"]);
    rpm("rpm", folder.path(), &arguments);
    // Holes in the numbers, and free pages.
    rpm("rpm", folder.path(), &["--erase", "--justdb", "--nodeps", "many-p0", "many-p55", "many-p110"]);
    let format = "%{NAME}|%{EVR}|%{ARCH}|%{LICENSE}|%{SOURCERPM}|%|VENDOR?{%{VENDOR}}||%|URL?{%{URL}}||%{LONGSIZE}\n";
    let judged = sorted(&rpm("rpm", folder.path(), &["--query", "--all", "--queryformat", format]));
    let expected: Vec<_> = judged.into_iter().filter(|line| !line.starts_with("gpg-pubkey")).collect();
    assert_eq!(expected.len(), 198);

    let body = std::fs::read(folder.path().join("db/rpmdb.sqlite")).unwrap();
    for place in ["usr/lib/sysimage/rpm", "usr/share/rpm", "var/lib/rpm"] {
        let mut tree = FileTree::new();
        add(&mut tree, &format!("{place}/rpmdb.sqlite"), body.clone());
        // A dpkg that has nothing installed says nothing of the image.
        add(&mut tree, "var/lib/dpkg/status", Vec::new());
        let set = read(&tree).unwrap().unwrap();
        assert_eq!(set.manager, Manager::Rpm);
        assert_eq!(lines(&set), expected, "{place}");
    }
    assert!(
        expected.iter().any(|line| line.ends_with("|4321") && line.starts_with("many-p7|1.0~rc1-7.el9|noarch|MIT|"))
    );
}
