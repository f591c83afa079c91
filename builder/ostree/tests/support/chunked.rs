//! Images in the chunked form, written from the description of the format and a repository of the real tool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use builder_oci::{Image, Layers, OciError};
use builder_ostree::encapsulated::{BodyPlan, LABEL, final_layer};
use builder_tree::{Content, ContentStore, FileTree, Inode, Metadata};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{extract, ostree, text};

pub(crate) const OBJECTS: &str = "sysroot/ostree/repo/objects";

/// `{"k": <'v'>}`, as the specification spells it out.
pub(crate) const DETACHED: &[u8] = b"k\0\0\0\0\0\0\0v\0\0s\x02\x0d";

/// How the attributes of file objects lie in the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `repo/xattrs/CHECKSUM`, and `.file.xattrs` as hard links to it; nothing for files without attributes.
    V0,
    /// `.file-xattrs` once, and `.file-xattrs-link` as hard links to it.
    V1Linked,
    /// `.file-xattrs-link` with the attributes in it.
    V1,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Directory,
    File(Vec<u8>),
    Symlink(String),
    HardLink(String),
    CharDevice,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) what: What,
    pub(crate) owner: (u64, u64),
    pub(crate) mode: u32,
    pub(crate) mtime: u64,
    pub(crate) pax: Vec<(String, Vec<u8>)>,
}

impl Entry {
    pub(crate) fn new(path: impl Into<String>, mode: u32, what: What) -> Self {
        Self { path: path.into(), what, owner: (0, 0), mode, mtime: 0, pax: Vec::new() }
    }

    pub(crate) fn file(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new(path, 0o644, What::File(body.into()))
    }
}

/// A repository of the real tool with one commit.
pub(crate) struct Origin {
    directory: TempDir,
    pub(crate) commit: String,
}

impl Origin {
    /// Commits `tree` to a new repository in the mode `bare-user`, where attributes are kept in ostree's own form.
    pub(crate) fn new(tree: &FileTree) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir(&root).unwrap();
        extract(tree, &root);
        let origin = Self { directory, commit: String::new() };
        let repo = origin.repo();
        ostree(&["init", &repo, "--mode=bare-user"]);
        let tree = format!("--tree=dir={}", text(&root));
        let arguments = ["commit", &repo, "--branch=os", "--timestamp=@1600000000", "--fsync=0", "-s", "The base"];
        let more = ["-m", "as it was", "--add-metadata-string=version=42.1", "--add-metadata=n=uint32 7", &tree];
        let commit = ostree(&[&arguments[..], &more].concat()).trim().to_owned();
        Self { commit, ..origin }
    }

    /// `--repo=…`
    pub(crate) fn repo(&self) -> String {
        format!("--repo={}", text(&self.directory.path().join("repo")))
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.directory.path().join("repo/objects")
    }

    /// The layers of the image: the commit layer, and as many object sets.
    pub(crate) fn layers(&self, form: Form, sets: usize) -> Vec<Vec<Entry>> {
        let mut layers = vec![structure(form); sets + 1];
        let mut metadata = Vec::new();
        let mut files = BTreeMap::new();
        for fan in fs::read_dir(self.objects()).unwrap() {
            let fan = fan.unwrap();
            for object in fs::read_dir(fan.path()).unwrap() {
                let object = object.unwrap();
                let (fan, name) = (fan.file_name().into_string().unwrap(), object.file_name().into_string().unwrap());
                let path = format!("{OBJECTS}/{fan}/{name}");
                let (checksum, suffix) = name.split_once('.').unwrap();
                match suffix {
                    "file" => drop(files.insert(format!("{fan}{checksum}"), object.path())),
                    "commit" => metadata.insert(0, Entry::file(path, fs::read(object.path()).unwrap())),
                    _ => metadata.push(Entry::file(path, fs::read(object.path()).unwrap())),
                }
            }
        }
        let detached = metadata[0].path.clone() + "meta";
        metadata.insert(1, Entry::file(detached, DETACHED));
        layers[0].extend(metadata);
        let paths = self.paths();
        let mut known: Vec<BTreeSet<String>> = vec![BTreeSet::new(); sets + 1];
        for (number, (checksum, path)) in files.iter().enumerate() {
            let at = number % (sets + 1);
            file_object(&mut layers[at], &mut known[at], form, checksum, path);
            for path in paths.get(checksum).into_iter().flatten() {
                let target = object_path(checksum, "file");
                layers[at].push(Entry::new(path, 0o644, What::HardLink(target)));
            }
        }
        layers
    }

    /// The paths of each file object, where a container sees them.
    fn paths(&self) -> BTreeMap<String, Vec<String>> {
        let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in
            ostree(&["ls", "-R", "-C", &self.repo(), &self.commit]).lines().filter(|line| !line.starts_with('d'))
        {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let path = columns[5].trim_start_matches('/').replacen("usr/etc", "etc", 1);
            paths.entry(columns[4].to_owned()).or_default().push(path);
        }
        paths
    }
}

/// What every layer begins with.
fn structure(form: Form) -> Vec<Entry> {
    let mut parents = vec!["sysroot", "sysroot/ostree", "sysroot/ostree/repo", OBJECTS, "sysroot/ostree/repo/refs"];
    if form == Form::V0 {
        parents.push("sysroot/ostree/repo/xattrs");
    }
    let mut entries: Vec<Entry> = parents.iter().map(|path| Entry::new(*path, 0o755, What::Directory)).collect();
    let config = "[core]\nrepo_version=1\nmode=bare-split-xattrs\n";
    entries.push(Entry::file("sysroot/ostree/repo/config", config));
    entries
}

pub(crate) fn object_path(checksum: &str, suffix: &str) -> String {
    format!("{OBJECTS}/{}/{}.{suffix}", &checksum[..2], &checksum[2..])
}

/// A file object as it lies in a `bare-user` repository: owner, mode and attributes are in `user.ostreemeta`, of which
/// the attributes are the last member, and no byte follows them.
fn file_object(layer: &mut Vec<Entry>, known: &mut BTreeSet<String>, form: Form, checksum: &str, path: &Path) {
    let mut meta = vec![0; 1 << 16];
    let length = rustix::fs::lgetxattr(path, "user.ostreemeta", &mut meta[..]).unwrap();
    let number = |at: usize| u32::from_be_bytes(meta[at..at + 4].try_into().unwrap());
    let (owner, mode, xattrs) = ((number(0).into(), number(4).into()), number(8), meta[12..length].to_vec());
    let (of, name) = (hex(&Sha256::digest(&xattrs)), object_path(checksum, ""));
    match form {
        Form::V0 if xattrs.is_empty() => {}
        Form::V0 => {
            let target = format!("sysroot/ostree/repo/xattrs/{of}");
            if known.insert(of) {
                layer.push(Entry::file(&target, xattrs));
            }
            layer.push(Entry::new(name + "file.xattrs", 0o644, What::HardLink(target)));
        }
        Form::V1Linked => {
            let target = object_path(&of, "file-xattrs");
            if known.insert(of) {
                layer.push(Entry::file(&target, xattrs));
            }
            layer.push(Entry::new(name + "file-xattrs-link", 0o644, What::HardLink(target)));
        }
        Form::V1 => layer.push(Entry::file(name + "file-xattrs-link", xattrs)),
    }
    let body = fs::read(path).unwrap();
    let what = if mode & 0o170_000 == 0o120_000 {
        What::Symlink(String::from_utf8(body).unwrap().trim_end_matches('\0').to_owned())
    } else {
        What::File(body)
    };
    // Older layers have the type in the mode.
    let mode = if form == Form::V0 { mode } else { mode & 0o7777 };
    // As in real layers, a part of the attributes is in the tar's own form too.
    let pax = vec![("SCHILY.xattr.user.in-tar-only".to_owned(), b"1".to_vec())];
    layer.push(Entry { owner, mode, pax, ..Entry::new(object_path(checksum, "file"), 0, what) });
}

/// A layout in a temporary directory.
pub(crate) struct Layout {
    directory: TempDir,
}

impl Layout {
    /// An image of these layers; the label names the layer `last`.
    pub(crate) fn new(layers: &[Vec<Entry>], last: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let layout = Self { directory };
        fs::create_dir_all(layout.directory.path().join("blobs/sha256")).unwrap();
        let tars: Vec<_> = layers.iter().map(|entries| layout.blob(&tar(entries))).collect();
        let diff_ids: Vec<&str> = tars.iter().map(|(digest, _)| digest.as_str()).collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "created": "2020-09-13T12:26:40Z",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "config": {"Labels": {LABEL: diff_ids[last], "containers.bootc": "1"}},
        });
        let config = layout.blob(config.to_string().as_bytes());
        let descriptor = |media: &str, (digest, size): &(String, usize)| json!({"mediaType": format!("application/vnd.oci.image.{media}"), "digest": digest, "size": size});
        let layers: Vec<_> = tars.iter().map(|tar| descriptor("layer.v1.tar", tar)).collect();
        let manifest = json!({"schemaVersion": 2, "config": descriptor("config.v1+json", &config), "layers": layers});
        let manifest = layout.blob(manifest.to_string().as_bytes());
        let index = json!({"schemaVersion": 2, "manifests": [descriptor("manifest.v1+json", &manifest)]});
        fs::write(layout.directory.path().join("index.json"), index.to_string()).unwrap();
        fs::write(layout.directory.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        layout
    }

    fn blob(&self, bytes: &[u8]) -> (String, usize) {
        let name = hex(&Sha256::digest(bytes));
        fs::write(self.directory.path().join("blobs/sha256").join(&name), bytes).unwrap();
        (format!("sha256:{name}"), bytes.len())
    }

    pub(crate) fn read(&self) -> Result<(Image, Layers, usize), OciError> {
        read(&format!("oci:{}", text(self.directory.path())))
    }
}

/// Reads an image as an import does; with the number of the base's last layer.
pub(crate) fn read(source: &str) -> Result<(Image, Layers, usize), OciError> {
    let image = Image::open(&source.parse().unwrap(), &"linux/amd64".parse().unwrap())?;
    let labels = image.labels();
    let diff_ids = image.layers().iter().map(|layer| layer.diff_id.as_str());
    let last = final_layer(labels.get(LABEL).map(String::as_str), diff_ids).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut store = ContentStore::new(scratch.path()).unwrap();
    let mut plan = BodyPlan::new(last);
    let layers = image.read_layers_with(
        &mut store,
        &mut |file| plan.prefix(file.layer, file.path, file.metadata, file.size, file.before).into(),
        &mut |_| {},
    )?;
    Ok((image, layers, last.unwrap()))
}

fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        if !entry.pax.is_empty() {
            builder.append_pax_extensions(entry.pax.iter().map(|(key, value)| (key.as_str(), &value[..]))).unwrap();
        }
        let mut header = tar::Header::new_gnu();
        header.set_mode(entry.mode);
        header.set_uid(entry.owner.0);
        header.set_gid(entry.owner.1);
        header.set_mtime(entry.mtime);
        header.set_size(0);
        match &entry.what {
            What::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                builder.append_data(&mut header, &entry.path, &[][..]).unwrap();
            }
            What::File(body) => {
                header.set_size(body.len() as u64);
                builder.append_data(&mut header, &entry.path, &body[..]).unwrap();
            }
            What::Symlink(target) | What::HardLink(target) => {
                let hard = matches!(entry.what, What::HardLink(_));
                header.set_entry_type(if hard { tar::EntryType::Link } else { tar::EntryType::Symlink });
                if target.contains("//") {
                    // The other call would write it in a shorter form.
                    header.set_link_name_literal(target).unwrap();
                    builder.append_data(&mut header, &entry.path, &[][..]).unwrap();
                } else {
                    builder.append_link(&mut header, &entry.path, target).unwrap();
                }
            }
            What::CharDevice => {
                header.set_entry_type(tar::EntryType::Char);
                header.set_device_major(1).unwrap();
                header.set_device_minor(3).unwrap();
                builder.append_data(&mut header, &entry.path, &[][..]).unwrap();
            }
        }
    }
    builder.into_inner().unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tree as chance has it, the same for the same seed: owners, modes, attributes, links, equal and empty files.
pub(crate) fn random_tree(seed: u64, files: usize) -> FileTree {
    let mut state = seed;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut tree = FileTree::new();
    let metadata = |next: &mut dyn FnMut(usize) -> usize, mode: u16, link: bool| {
        let id = |n: usize| u32::try_from([0, 0, 0, 7, 998, 1000, 70_000][n]).unwrap();
        let mut metadata = Metadata { uid: id(next(7)), gid: id(next(7)), ..Metadata::root(mode) };
        if next(3) > 0 {
            let label = format!("system_u:object_r:type{}_t:s0\0", next(4));
            metadata.xattrs.insert(b"security.selinux".to_vec(), label.into_bytes());
        }
        if !link && next(5) == 0 {
            metadata.xattrs.insert(b"user.x".to_vec(), vec![b'x'; 1 + next(400)]);
        }
        if !link && mode & 0o170 == 0o150 && next(3) == 0 {
            metadata.xattrs.insert(b"security.capability".to_vec(), capability.to_vec());
        }
        metadata
    };
    let tops = ["usr/bin", "usr/lib/modules", "usr/etc", "usr/etc/deep/er", "usr/share/é", "boot", "var/lib"];
    for top in tops {
        let mut path = top.to_owned();
        for level in 0..next(4) {
            path += &format!("/d{level}");
        }
        let mode = [0o755, 0o700, 0o2775, 0o1777][next(4)];
        let directory = metadata(&mut next, mode, false);
        tree.make_directories(path.as_bytes(), &directory).unwrap();
    }
    for number in 0..files {
        let path = format!("{}/f{number}", tops[next(tops.len())]);
        let inode = if next(6) == 0 {
            let target = ["../x", "/usr//bin/sh", &("long/".repeat(40) + "x")][next(3)].to_owned();
            Inode { metadata: metadata(&mut next, 0o777, true), ..Inode::symlink(target) }
        } else {
            let body = match next(6) {
                0 => Vec::new(),
                1 => b"the same\n".to_vec(),
                2 => vec![u8::try_from(next(256)).unwrap(); 200_000 + next(100_000)],
                _ => (0..1 + next(5000)).map(|_| u8::try_from(next(256)).unwrap()).collect(),
            };
            let mode = [0o644, 0o755, 0o4755, 0o600, 0o2755][next(5)];
            Inode::regular(metadata(&mut next, mode, false), Content::bytes(body))
        };
        tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
    }
    for (path, target) in [("ostree", "sysroot/ostree"), ("bin", "usr/bin"), ("lib", "usr/lib")] {
        tree.insert(path.as_bytes(), Inode::symlink(target), &Metadata::root(0o755)).unwrap();
    }
    for path in ["sysroot", "tmp", "proc", "run"] {
        tree.make_directories(path.as_bytes(), &Metadata::root(0o755)).unwrap();
    }
    tree
}
