//! Small databases, and hostile ones.

use builder_packages::{Manager, PackageSet, PackagesError, read};
use builder_tree::{Content, FileTree, Inode, Metadata};

fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::new();
    for (path, body) in files {
        let node = match body.strip_prefix("-> ") {
            Some(target) => Inode::symlink(target),
            None => Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec())),
        };
        tree.insert(path.as_bytes(), node, &Metadata::root(0o755)).unwrap();
    }
    tree
}

fn names(set: Option<PackageSet>) -> Vec<String> {
    set.into_iter().flat_map(|set| set.packages).map(|package| package.name).collect()
}

#[test]
fn only_what_is_installed_is_listed() {
    let status = "Package: b\nStatus: install ok installed\nVersion: 1\n\n\
                  Package: config\nStatus: deinstall ok config-files\nVersion: 1\n\n\
                  Package: half\nStatus: install reinstreq half-installed\n\n\
                  Package: gone\nStatus: purge ok not-installed\n\n\
                  Package: a\nStatus: hold ok installed\nVersion: 2\nArchitecture: i386\n\n\
                  Package: a\nStatus: install ok installed\nVersion: 2\nArchitecture: amd64\n";
    let set = read(&tree(&[("var/lib/dpkg/status", status)])).unwrap().unwrap();
    let found = set.packages.iter().map(|package| (package.name.as_str(), package.architecture.as_deref()));
    assert_eq!(found.collect::<Vec<_>>(), [("a", Some("amd64")), ("a", Some("i386")), ("b", None)]);
}

#[test]
fn databases_are_found_where_images_keep_them() {
    let old = "Package: old\nStatus: install ok installed\nVersion: 1\n";
    let new = "Package: new\nStatus: install ok installed\nVersion: 1\n";
    let distroless = "Package: base\nVersion: 1\nDescription: x\n";
    for (files, expected) in [
        (&[("usr/lib/sysimage/dpkg/status", new), ("var/lib/dpkg/status", old)][..], &["new"][..]),
        (&[("usr/share/dpkg/database/status", new), ("var/lib/dpkg", "-> ../../usr/share/dpkg/database")], &["new"]),
        (&[("var/lib/dpkg", "-> ../../usr/elsewhere"), ("usr/elsewhere/status", old)], &["old"]),
        (&[("var/lib/dpkg/status.d/base", distroless), ("var/lib/dpkg/status.d/base.md5sums", "0  x\n")], &["base"]),
        (&[("lib/apk/db/installed", "P:musl\nV:1\n")], &["musl"]),
        (&[("lib", "-> usr/lib"), ("usr/lib/apk/db/installed", "P:musl\nV:1\n\n")], &["musl"]),
        // Tools of one distribution in the image of another.
        (&[("var/lib/dpkg/status", ""), ("lib/apk/db/installed", "P:musl\nV:1\n")], &["musl"]),
        (&[("var/lib/dpkg/status", new), ("var/lib/rpm/Packages", "")], &["new"]),
        (&[("var/lib/dpkg/status", "")], &[]),
        (&[("etc/os-release", "ID=x")], &[]),
    ] {
        assert_eq!(names(read(&tree(files)).unwrap()), expected, "{files:?}");
    }
    assert!(read(&tree(&[("var/lib/dpkg/status", "")])).unwrap().is_some_and(|set| set.manager == Manager::Dpkg));
    assert!(read(&tree(&[])).unwrap().is_none());
}

#[test]
fn licenses_come_through_links_between_packages() {
    let copyright = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n\
                     License: GPL-3+\n";
    let status = ["a", "b", "c", "../doc/a", "d"]
        .map(|name| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n"))
        .concat();
    let tree = tree(&[
        ("usr/lib/sysimage/dpkg/status", &status),
        ("usr/share/doc/a/copyright", copyright),
        ("usr/share/doc/b", "-> a"),
        ("usr/share/doc/c/copyright", "written for people\n"),
        ("usr/share/doc/d", "-> d"),
    ]);
    let set = read(&tree).unwrap().unwrap();
    let licenses = set.packages.iter().map(|package| (package.name.as_str(), package.license.as_deref()));
    let gpl = Some("GPL-3+");
    assert_eq!(licenses.collect::<Vec<_>>(), [("../doc/a", None), ("a", gpl), ("b", gpl), ("c", None), ("d", None)]);
}

#[test]
fn all_fields_of_apk_are_read() {
    let installed = "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nS:383152\nI:622592\nT:the musl c library\n\
                     U:https://musl.libc.org/\nL:MIT\no:musl\nm:Timo Teräs <timo@example.org>\nt:1\nF:lib\nR:x\n\n\
                     P:.build-deps\nV:20240101.000000\nA:noarch\nL:\n\n\n";
    let set = read(&tree(&[("lib/apk/db/installed", installed)])).unwrap().unwrap();
    assert_eq!(set.manager, Manager::Apk);
    let [deps, musl] = &set.packages[..] else { panic!("{set:?}") };
    assert_eq!((musl.name.as_str(), musl.version.as_str()), ("musl", "1.2.4-r2"));
    assert_eq!(musl.architecture.as_deref(), Some("x86_64"));
    assert_eq!((musl.license.as_deref(), musl.source.as_deref()), (Some("MIT"), Some("musl")));
    assert_eq!(musl.supplier.as_deref(), Some("Timo Teräs <timo@example.org>"));
    assert_eq!((musl.homepage.as_deref(), musl.installed_size), (Some("https://musl.libc.org/"), Some(622_592)));
    assert_eq!((deps.name.as_str(), &deps.license, deps.installed_size), (".build-deps", &None, None));
}

#[test]
fn hostile_databases_are_refused_with_their_place() {
    let installed = "Status: install ok installed\n";
    let chain = |error: PackagesError| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let many = "P:a\nV:1\n\n".repeat(100_001);
    for (path, body, expected) in [
        ("var/lib/dpkg/status", "garbage\n", "/var/lib/dpkg/status is damaged: line 1 has no colon"),
        (
            "var/lib/dpkg/status",
            &format!("\n{installed}Version: 1\n"),
            "/var/lib/dpkg/status: the package at line 2 has no Package",
        ),
        (
            "var/lib/dpkg/status",
            &format!("Package: a\n{installed}"),
            "/var/lib/dpkg/status: the package at line 1 has no Version",
        ),
        (
            "var/lib/dpkg/status",
            &format!("Package: a\n{installed}Version: 1\nInstalled-Size: 18446744073709551615\n"),
            "/var/lib/dpkg/status: Installed-Size of a is `18446744073709551615`, not a number of KiB",
        ),
        ("var/lib/dpkg/status.d/x", "Package: a\n", "/var/lib/dpkg/status.d/x: the package at line 1 has no Version"),
        ("lib/apk/db/installed", "P:a\nV:1\nhello\n", "/lib/apk/db/installed is damaged: line 3"),
        ("lib/apk/db/installed", "P:a\n\n", "/lib/apk/db/installed: the package at line 1 has no version (V:)"),
        ("lib/apk/db/installed", "V:1", "/lib/apk/db/installed: the package at line 1 has no name (P:)"),
        ("lib/apk/db/installed", "P:a\nV:1\nI:-5\n", "/lib/apk/db/installed: the installed size (I:) of a is `-5`"),
        ("lib/apk/db/installed", &many, "/lib/apk/db/installed has more than 100000 packages"),
        ("var/lib/rpm/Packages", "", "/var/lib/rpm/Packages is an rpm database in the format Berkeley DB"),
        (
            "usr/lib/sysimage/rpm/Packages.db",
            "RpmP",
            "/usr/lib/sysimage/rpm/Packages.db is an rpm database in the format ndb",
        ),
        ("usr/share/rpm/rpmdb.sqlite", "", "/usr/share/rpm/rpmdb.sqlite is damaged: it does not begin with"),
        ("var/lib/dpkg", "-> dpkg", "the package database cannot be looked up: "),
    ] {
        let error = read(&tree(&[(path, body)])).unwrap_err();
        let text = chain(error);
        assert!(text.starts_with(expected), "{text}\nand not\n{expected}");
    }
}
