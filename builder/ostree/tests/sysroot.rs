//! A whole physical root, judged by the real `ostree`.

mod support;

use std::path::Path;
use std::sync::Arc;

use builder_ostree::container::{ContainerImage, blob_ref, commit_layer, commit_merge};
use builder_ostree::import::{adapt_layer, adapt_merged};
use builder_ostree::sysroot::{DeploymentSpec, VarLabels, build, deployment_path};
use builder_ostree::{Aleph, Repo, RepoConfig, TargetImage, body_prefix};
use builder_tree::{Content, ContentStore, DumpOptions, FileTree, Inode, Metadata, Node, dump};
use support::{extract, insert_boot, ostree, read, run, text};

const CREATED: i64 = 1_700_000_000;
const BOOT_CHECKSUM: &str = "c6ff7002a98cafa02abcc8e8e60b84eb76c149cd46848436b59df1750bd1df77";
const DIGESTS: [&str; 2] = [
    "sha256:abababababababababababababababababababababababababababababababab",
    "sha256:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
];
const MANIFEST: &str = r#"{"schemaVersion": 2, "layers": [{"size": 1}]}"#;
const MODULES: &str = "usr/lib/modules/6.1.0-test";

/// Trees of an image: bodies lie in a store, hashed on their way in as an importer does.
struct Image {
    store: ContentStore,
    layers: [FileTree; 2],
    merged: FileTree,
}

impl Image {
    fn new(scratch: &Path) -> Self {
        let mut image = Self {
            store: ContentStore::new(scratch).unwrap(),
            layers: [FileTree::new(), FileTree::new()],
            merged: FileTree::new(),
        };
        for path in ["boot", "dev", "proc", "run", "sys", "sysroot", "usr/lib/tmpfiles.d", "var/lib/x", "var/log"] {
            image.directory(path, Metadata::root(0o755));
        }
        image.directory("tmp", Metadata::root(0o1777));
        image.directory("var/tmp", Metadata::root(0o1777));
        image.directory("var/lib/private", Metadata { uid: 7, gid: 8, ..Metadata::root(0o700) });
        image.directory("etc/empty", Metadata { gid: 4, ..Metadata::root(0o750) });
        image.add(0, "ostree", Inode::symlink("sysroot/ostree"));
        for (layer, path, mode, body) in [
            (0, "usr/lib/os-release", 0o644, "ID=test\nPRETTY_NAME=\"Test 1\"\n"),
            (0, "usr/bin/tool", 0o755, "tool"),
            (0, "usr/bin/su", 0o4755, "su"),
            (0, "usr/share/empty1", 0o644, ""),
            (0, "usr/share/empty2", 0o644, ""),
            (0, "etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\n"),
            (0, "etc/shadow", 0o640, "root:*:\n"),
            (0, "etc/machine-id", 0o644, ""),
            (0, "etc/.updated", 0o644, "stamp"),
            (0, "etc/resolv.conf", 0o644, ""),
            (0, "dev/null", 0o644, "device"),
            (0, "var/lib/x/state", 0o600, "state"),
            (0, "var/.updated", 0o644, "stamp"),
            (1, "etc/hostname", 0o644, ""),
            (1, "usr/share/empty3", 0o644, ""),
            (1, "usr/share/copy-of-tool", 0o755, "tool"),
        ] {
            image.file(layer, path, Metadata::root(mode), body);
        }
        for name in ["vmlinuz", "initramfs.img"] {
            image.file(1, &format!("{MODULES}/{name}"), Metadata::root(0o755), name);
        }
        let mut labelled = Metadata { uid: 5, gid: 6, ..Metadata::root(0o755) };
        labelled.xattrs.insert(b"security.capability".to_vec(), [[1, 0, 0, 2].as_slice(), &[0; 16]].concat());
        labelled.xattrs.insert(b"user.empty".to_vec(), Vec::new());
        labelled.xattrs.insert(b"user.b".to_vec(), b"2".to_vec());
        image.file(1, "usr/bin/ping", labelled, "ping");
        let mut link = Inode::symlink("tool");
        link.metadata.gid = 12;
        link.metadata.xattrs.insert(b"user.never".to_vec(), b"1".to_vec());
        image.add(1, "usr/bin/link", link);
        // A second name for the same inode, and a marker for something the first layer has.
        let tool = image.merged.get(b"usr/bin/tool").unwrap().clone();
        image.merged.insert(b"usr/bin/hard", tool.clone(), &Metadata::root(0o755)).unwrap();
        image.layers[0].insert(b"usr/bin/hard", tool, &Metadata::root(0o755)).unwrap();
        let marker = Inode::regular(Metadata::root(0o644), Content::empty());
        image.layers[1].insert(b"etc/.wh.gone", marker, &Metadata::root(0o755)).unwrap();
        image.store.flush().unwrap();
        image
    }

    fn directory(&mut self, path: &str, metadata: Metadata) {
        for tree in [&mut self.merged, &mut self.layers[0]] {
            tree.make_directories(path.as_bytes(), &Metadata::root(0o755)).unwrap().metadata = metadata.clone();
        }
    }

    fn file(&mut self, layer: usize, path: &str, mut metadata: Metadata, body: &str) {
        metadata.mtime.seconds = 1_600_000_000;
        let content = self.store.add(&body_prefix(&metadata), body.as_bytes()).unwrap();
        self.add(layer, path, Inode::regular(metadata, content));
    }

    fn add(&mut self, layer: usize, path: &str, inode: Inode) {
        let node = Node::from(inode);
        for tree in [&mut self.layers[layer], &mut self.merged] {
            tree.insert(path.as_bytes(), node.clone(), &Metadata::root(0o755)).unwrap();
        }
    }
}

/// The physical root of the image, with a boot entry as the loader's crate would make it, and the merged tree.
fn disk(image: Image) -> (FileTree, FileTree, String) {
    let target: TargetImage = "quay.io/test/image:1".parse().unwrap();
    let mut repo = Repo::new(CREATED);
    for (layer, digest) in image.layers.into_iter().zip(DIGESTS) {
        let adapted = adapt_layer(layer).unwrap();
        commit_layer(&mut repo, &adapted.tree, digest, 5, "0.15.3").unwrap();
    }
    let merged = adapt_merged(image.merged).unwrap();
    assert_eq!(merged.dropped, [b"dev/null"]);
    let stored = repo.add_tree(&merged.tree).unwrap();
    let container = ContainerImage {
        manifest: MANIFEST.as_bytes(),
        config: br#"{"os": "linux", "architecture": "amd64"}"#,
        manifest_digest: DIGESTS[0],
        timestamp: 6,
        importer_version: "0.15.3",
    };
    let commit = commit_merge(&mut repo, &stored, &container, &target).unwrap();
    assert_eq!(repo.stats().commits, 3);

    let fstab = Inode::regular(Metadata::root(0o644), Content::bytes(b"UUID=1 /boot auto ro 0 0\n".to_vec()));
    let spec = DeploymentSpec {
        commit: &commit,
        tree: &stored,
        origin: &target,
        boot_checksum: BOOT_CHECKSUM,
        etc_files: vec![(b"fstab".to_vec(), fstab)],
        composefs: None,
    };
    let aleph = Aleph { digest: DIGESTS[0].into(), target_image: target.name().into(), ..Aleph::default() };
    let mut root = build(repo, &RepoConfig::default(), "default", &[spec], VarLabels::Missing, Some(&aleph)).unwrap();

    insert_boot(&mut root, &stored.tree, MODULES, BOOT_CHECKSUM);
    (root, stored.tree, commit.to_string())
}

#[test]
fn ostree_finds_nothing_wrong_with_a_physical_root() {
    let scratch = tempfile::tempdir().unwrap();
    let (root, merged, commit) = disk(Image::new(scratch.path()));
    let directory = tempfile::tempdir().unwrap();
    extract(&root, directory.path());
    let sysroot = format!("--sysroot={}", text(directory.path()));
    let repo = format!("--repo={}/ostree/repo", text(directory.path()));

    let fsck = ostree(&["fsck", &repo]);
    assert!(fsck.contains("object fsck of 3 commits completed successfully"), "{fsck}");

    let mut refs: Vec<String> = ostree(&["refs", &repo]).lines().map(str::to_owned).collect();
    refs.sort();
    let expected = [
        blob_ref(DIGESTS[0]).unwrap(),
        blob_ref(DIGESTS[1]).unwrap(),
        "ostree/container/image/docker_3A__2F__2F_quay_2E_io/test/image_3A_1".to_owned(),
    ];
    // The deployment's ref is listed among them.
    assert_eq!(refs[..1], ["ostree/1/1/0"]);
    assert_eq!(refs[1..], expected);

    for (key, value) in [
        ("ostree.manifest-digest", format!("'{}'", DIGESTS[0])),
        ("ostree.manifest", r#"'{"layers":[{"size":1}],"schemaVersion":2}'"#.to_owned()),
        ("ostree.container.image-config", r#"'{"architecture":"amd64","os":"linux"}'"#.to_owned()),
        ("ostree.importer.version", "'0.15.3'".to_owned()),
    ] {
        let key = format!("--print-metadata-key={key}");
        assert_eq!(ostree(&["show", &repo, &key, &commit]).trim(), value);
    }
    let blob = ostree(&["show", &repo, "--print-metadata-key=ostree.importer.version", &expected[1]]);
    assert_eq!(blob.trim(), "'0.15.3'");

    let status = ostree(&["admin", "status", &sysroot]);
    assert!(status.contains(&format!("default {commit}.0")), "{status}");
    assert!(status.contains("container-image-reference") || status.contains("origin"), "{status}");

    let difference = ostree(&["admin", "config-diff", &sysroot, "--os=default"]);
    let mut difference: Vec<&str> = difference.lines().collect();
    difference.sort_unstable();
    // The stamp goes from every deployment's etc, real ones too.
    assert_eq!(difference, ["A    fstab", "D    .updated"]);

    let prune = ostree(&["prune", &repo, "--refs-only", "--depth=0", "--no-prune"]);
    assert!(prune.contains("No unreachable objects"), "{prune}");

    // What ostree checks out is what was stored.
    let checkout = directory.path().join("checkout");
    ostree(&["checkout", &repo, &commit, text(&checkout)]);
    let options = DumpOptions { without_times: true };
    let lines = |tree: &FileTree| {
        let mut text = dump(tree, options).unwrap();
        // Links between files are by-products: the column is left out.
        text = text.lines().map(|line| columns(line, &[0, 1, 2, 3, 4, 5, 7, 9])).collect::<Vec<_>>().join("\n");
        text
    };
    assert_eq!(lines(&read(&checkout)), lines(&merged));

    // The marker is an ordinary file in its layer's commit, and API directories are empty.
    let layer = ostree(&["ls", &repo, "-R", "-X", "-C", &expected[1]]);
    assert!(layer.contains("/usr/etc/.wh.gone") && layer.contains("/usr/etc/hostname"), "{layer}");
    let list = ostree(&["ls", &repo, "-R", "-X", "-C", &commit]);
    assert!(!list.contains("/dev/null") && !list.contains("/usr/etc/hostname"), "{list}");
    assert!(list.contains("/usr/etc/passwd") && !list.contains(" /etc"), "{list}");
}

#[test]
fn a_real_upgrade_keeps_local_changes_only() {
    let scratch = tempfile::tempdir().unwrap();
    let (root, _, commit) = disk(Image::new(scratch.path()));
    let directory = tempfile::tempdir().unwrap();
    extract(&root, directory.path());
    let sysroot = format!("--sysroot={}", text(directory.path()));
    let repo = format!("--repo={}/ostree/repo", text(directory.path()));

    let next = directory.path().join("next");
    ostree(&["checkout", &repo, &commit, text(&next)]);
    // Removed first: it is a hard link to its object.
    std::fs::remove_file(next.join("usr/etc/passwd")).unwrap();
    std::fs::write(next.join("usr/etc/passwd"), "new default\n").unwrap();
    let tree = format!("--tree=dir={}", text(&next));
    let second = ostree(&["commit", &repo, "--branch=next", &tree]);
    let deployed = std::process::Command::new("ostree")
        .args(["admin", "deploy", "--retain", "--no-prune", &sysroot, "--os=default", second.trim()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&deployed.stdout).into_owned() + &String::from_utf8_lossy(&deployed.stderr);
    // ostree makes its deployments immutable, which would keep the directory from being removed.
    let deployments = directory.path().join("ostree/deploy/default/deploy");
    for entry in std::fs::read_dir(deployments).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            run("chattr", "e2fsprogs", &["-i", text(&path)]);
        }
    }
    assert!(deployed.status.success(), "{said}");
    assert!(said.contains("Copying /etc changes: 0 modified, 1 removed, 1 added"), "{said}");
    let path = directory.path().join(format!("ostree/deploy/default/deploy/{}.0/etc", second.trim()));
    assert_eq!(std::fs::read_to_string(path.join("passwd")).unwrap(), "new default\n");
    assert_eq!(std::fs::read_to_string(path.join("fstab")).unwrap(), "UUID=1 /boot auto ro 0 0\n");
    let status = ostree(&["admin", "status", &sysroot]);
    assert_eq!(status.matches("default ").count(), 2, "{status}");
}

#[test]
fn a_physical_root_has_the_shape_of_a_real_one() {
    let scratch = tempfile::tempdir().unwrap();
    let (root, _, commit) = disk(Image::new(scratch.path()));
    let text = dump(&root, DumpOptions::default()).unwrap();
    let lines: std::collections::BTreeMap<String, String> = text
        .lines()
        .map(|line| (columns(line, &[0]), columns(line, &[1, 2, 6, 7])))
        .filter(|(path, _)| !path.starts_with("/ostree/repo/objects/") || path.len() < 25)
        .collect();
    let deployment = format!("/{}", deployment_path("default", &commit.parse().unwrap(), 0));
    let backing = format!("/ostree/deploy/default/backing/{commit}.0/root-transient");
    let boot = format!("/ostree/boot.1.1/default/{BOOT_CHECKSUM}/0");
    let to_deployment = format!("l 0777 {CREATED}.0 ../../../deploy/default/deploy/{commit}.0");
    let made = |mode: &str| format!("d {mode} {CREATED}.0 -");
    for (path, expected) in [
        ("/boot", made("0755")),
        ("/ostree", made("0755")),
        ("/ostree/bootc", made("0755")),
        ("/ostree/boot.1", format!("l 0777 {CREATED}.0 boot.1.1")),
        (&boot, to_deployment),
        ("/ostree/repo/objects", made("0755")),
        ("/ostree/repo/objects/00", made("0755")),
        ("/ostree/repo/objects/ff", made("0755")),
        ("/ostree/repo/refs/remotes", made("0755")),
        ("/ostree/repo/refs/mirrors", made("0755")),
        ("/ostree/repo/tmp/cache", made("0755")),
        ("/ostree/repo/state", made("0755")),
        ("/ostree/repo/extensions", made("0755")),
        ("/ostree/deploy/default/backing", made("0700")),
        (&format!("{backing}/work"), made("0700")),
        (&format!("{backing}/upper"), made("0755")),
        ("/ostree/deploy/default/var", made("0755")),
        ("/ostree/deploy/default/var/lib/private", made("0700")),
        ("/ostree/deploy/default/var/tmp", made("1777")),
        (&deployment, made("0755")),
        (&format!("{deployment}/usr"), "d 0755 0.0 -".to_owned()),
        (&format!("{deployment}/tmp"), "d 1777 0.0 -".to_owned()),
        (&format!("{deployment}/etc"), made("0755")),
        (&format!("{deployment}/etc/empty"), made("0750")),
        (&format!("{deployment}/ostree"), format!("l 0777 {CREATED}.0 sysroot/ostree")),
    ] {
        assert_eq!(lines.get(path), Some(&expected), "{path}");
    }
    assert_eq!(lines.keys().filter(|path| path.starts_with("/ostree/repo/objects/")).count(), 256);
    for missing in ["default/var/.updated", "var/.ostree-selabeled", "bootc/storage"] {
        assert!(!lines.keys().any(|path| path.ends_with(missing)), "{missing}");
    }
    assert!(root.directory(&deployment.as_bytes()[1..]).unwrap().metadata.immutable);

    let leaf = |path: &str| root.get(path.as_bytes()).and_then(Node::as_leaf).unwrap();
    let read = |path: &str| String::from_utf8(leaf(path).content().unwrap().read_to_vec(9999).unwrap()).unwrap();
    assert_eq!(
        read(&format!("{}.origin", &deployment[1..])),
        "[origin]\ncontainer-image-reference=ostree-unverified-registry:quay.io/test/image:1\n"
    );
    assert_eq!(read("ostree/repo/refs/heads/ostree/1/1/0"), format!("{commit}\n"));
    assert!(read(".bootc-aleph.json").contains(r#""target-image":"quay.io/test/image:1""#));

    // Two names in the image, a third file like it, the deployment and the repository: one inode.
    let tool = leaf(&format!("{}/usr/bin/tool", &deployment[1..]));
    for name in ["hard", "../share/copy-of-tool"] {
        let path = format!("{}/usr/bin/{name}", &deployment[1..]).replace("bin/../", "");
        assert!(Arc::ptr_eq(tool, leaf(&path)), "{name}");
    }
    let kernel = leaf(&format!("{}/{MODULES}/vmlinuz", &deployment[1..]));
    assert!(Arc::ptr_eq(kernel, leaf(&format!("boot/ostree/default-{BOOT_CHECKSUM}/vmlinuz-6.1.0-test"))));
}

#[test]
fn deep_trees_are_no_trouble() {
    // As deep as a path of PATH_MAX bytes can be, once `etc` is `usr/etc`.
    const DEPTH: usize = 2043;
    let image = |depth: usize| {
        let mut image = FileTree::new();
        for path in ["boot", "dev", "proc", "run", "sys", "sysroot"] {
            image.make_directories(path.as_bytes(), &Metadata::root(0o755)).unwrap();
        }
        image.root.insert("ostree", Inode::symlink("sysroot/ostree"));
        for top in ["usr", "etc", "var", "tmp"] {
            let path = format!("{top}{}", "/d".repeat(depth));
            image.make_directories(path.as_bytes(), &Metadata::root(0o755)).unwrap();
        }
        image
    };
    let error = adapt_merged(image(2047)).unwrap_err().to_string();
    assert!(error.ends_with("ends a path of more than 4,095 bytes, which Linux cannot open"), "{error}");
    let image = image(DEPTH);
    let mut repo = Repo::new(0);
    let adapted = adapt_merged(image).unwrap();
    let stored = repo.add_tree(&adapted.tree).unwrap();
    let target = "q.io/x".parse().unwrap();
    let container = ContainerImage {
        manifest: b"{}",
        config: b"{}",
        manifest_digest: DIGESTS[0],
        timestamp: 0,
        importer_version: "0",
    };
    let commit = commit_merge(&mut repo, &stored, &container, &target).unwrap();
    let spec = DeploymentSpec {
        commit: &commit,
        tree: &stored,
        origin: &target,
        boot_checksum: BOOT_CHECKSUM,
        etc_files: Vec::new(),
        composefs: None,
    };
    let root =
        build(repo, &RepoConfig::default(), "default", std::slice::from_ref(&spec), VarLabels::Written, None).unwrap();
    let path = format!("{}/etc{}", deployment_path("default", &commit, 0), "/d".repeat(DEPTH));
    assert!(root.directory(path.as_bytes()).is_some());
    for (stateroot, boot_checksum) in [("", BOOT_CHECKSUM), ("a/b", BOOT_CHECKSUM), ("a b", BOOT_CHECKSUM), ("a", "0")]
    {
        let spec = DeploymentSpec { boot_checksum, ..spec.clone() };
        let built = build(Repo::new(0), &RepoConfig::default(), stateroot, &[spec], VarLabels::Written, None);
        assert!(built.is_err(), "{stateroot:?} {boot_checksum}");
    }
}

fn columns(line: &str, which: &[usize]) -> String {
    let all: Vec<&str> = line.split(' ').collect();
    which.iter().map(|&column| all[column]).collect::<Vec<_>>().join(" ")
}
