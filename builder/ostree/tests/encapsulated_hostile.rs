//! Chunked images with one thing wrong, each with the sentence that people get to read.

mod support;

use builder_ostree::OstreeError;
use builder_ostree::encapsulated::{Base, LABEL, final_layer};
use builder_tree::{Content, FileTree, Inode, Metadata};
use sha2::{Digest, Sha256};
use support::chunked::{DETACHED, Entry, Form, Layout, Origin, What, hex, object_path, random_tree};

/// The entry of the one object with this suffix, or the first of several.
fn at(layer: &[Entry], suffix: &str) -> usize {
    layer.iter().position(|entry| entry.path.ends_with(suffix)).unwrap()
}

fn body(entry: &mut Entry) -> &mut Vec<u8> {
    match &mut entry.what {
        What::File(body) => body,
        other => panic!("{other:?}"),
    }
}

/// A regular file object in `layer` that is not empty.
fn some_file(layer: &[Entry]) -> usize {
    layer
        .iter()
        .position(|entry| entry.path.ends_with(".file") && matches!(&entry.what, What::File(body) if !body.is_empty()))
        .unwrap()
}

/// Puts `bytes` among the objects under their own checksum; gives it.
fn add(layer: &mut Vec<Entry>, suffix: &str, bytes: &[u8]) -> String {
    let checksum = hex(&Sha256::digest(bytes));
    layer.push(Entry::file(object_path(&checksum, suffix), bytes));
    checksum
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// `(a(say)a(sayay))` of few and short names: all framing offsets take one byte, in larger ones two.
fn dirtree(files: &[(&[u8], &str)], directories: &[(&[u8], &str, &str)]) -> Vec<u8> {
    let array = |elements: Vec<Vec<u8>>| {
        let mut ends = Vec::new();
        let mut bytes = Vec::new();
        for element in elements {
            bytes.extend(element);
            ends.push(bytes.len());
        }
        let wide = bytes.len() + ends.len() > 255;
        for end in ends {
            bytes.extend(&end.to_le_bytes()[..if wide { 2 } else { 1 }]);
        }
        bytes
    };
    let short = |length: usize| u8::try_from(length).unwrap();
    let files = files.iter().map(|(name, file)| [name, &b"\0"[..], &unhex(file), &[short(name.len() + 1)]].concat());
    let directories = directories.iter().map(|(name, tree, meta)| {
        let ends = [short(name.len() + 33), short(name.len() + 1)];
        [name, &b"\0"[..], &unhex(tree), &unhex(meta), &ends].concat()
    });
    let (files, directories) = (array(files.collect()), array(directories.collect()));
    let mut bytes = [files.as_slice(), &directories].concat();
    let wide = bytes.len() + 1 > 255;
    bytes.extend(&files.len().to_le_bytes()[..if wide { 2 } else { 1 }]);
    bytes
}

const PLAIN_DIRMETA: &[u8] = b"\0\0\0\0\0\0\0\0\0\0\x41\xed";

/// A commit of a root directory, without anything else.
fn commit_of(tree: &str, meta: &str) -> Vec<u8> {
    [&[0; 16][..], &unhex(tree), &unhex(meta), &[0x30, 2, 1, 0, 0, 0]].concat()
}

/// A layer with nothing but a commit of `tree`, whose objects are there.
fn layer_of(tree: &[u8], meta: &[u8]) -> Vec<Entry> {
    let mut layer = Vec::new();
    let tree = add(&mut layer, "dirtree", tree);
    let meta = add(&mut layer, "dirmeta", meta);
    add(&mut layer, "commit", &commit_of(&tree, &meta));
    layer
}

fn import(layers: &[Vec<Entry>]) -> Result<Base, OstreeError> {
    let (_, layers, last) = Layout::new(layers, layers.len() - 1).read().unwrap();
    let trees: Vec<&FileTree> = layers.layers[..=last].iter().map(|layer| &layer.tree).collect();
    Base::read(&trees)
}

/// Checksums differ from run to run of the real tool; the rest of a sentence does not.
fn sentence(error: &OstreeError) -> String {
    let text = error.to_string();
    let mut shown = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() || ('a'..='f').contains(&c) {
            digits.push(c);
            continue;
        }
        shown.push_str(if digits.len() >= 60 { "…" } else { &digits });
        digits.clear();
        if c != '\0' {
            shown.push(c);
        }
    }
    shown
}

type Damage = fn(&mut Vec<Vec<Entry>>);

#[test]
fn each_damage_has_its_sentence() {
    let mut tree = random_tree(21, 60);
    let mut labelled = Metadata::root(0o644);
    labelled.xattrs.insert(b"security.selinux".to_vec(), b"system_u:object_r:etc_t:s0\0".to_vec());
    let file = Inode::regular(labelled, Content::bytes(b"labelled".to_vec()));
    tree.insert(b"usr/etc/labelled", file, &Metadata::root(0o755)).unwrap();
    let origin = Origin::new(&tree);
    let good = origin.layers(Form::V1Linked, 2);
    import(&good).unwrap();
    import(&origin.layers(Form::V1, 2)).unwrap();
    import(&origin.layers(Form::V0, 2)).unwrap();
    let cases: &[(Damage, &str)] = &[
        (
            |layers| layers[0].retain(|entry| !entry.path.ends_with(".commit")),
            "layer 1 holds no ostree commit, and in the chunked form the first layer has one",
        ),
        (
            |layers| {
                let commit = commit_of(&"11".repeat(32), &"22".repeat(32));
                add(&mut layers[0], "commit", &commit);
            },
            "layer 1 holds the ostree commits … and …, and in the chunked form it has one",
        ),
        (
            |layers| {
                let commit = at(&layers[0], ".commit");
                let last = body(&mut layers[0][commit]).len() - 10;
                body(&mut layers[0][commit])[last] ^= 1;
            },
            "layer 1: the object ….commit is damaged: its checksum is …",
        ),
        (
            |layers| {
                let commitmeta = at(&layers[0], ".commitmeta");
                body(&mut layers[0][commitmeta])[4] = 1;
            },
            "layer 1: the object ….commitmeta is not in the one form that GVariant calls normal",
        ),
        (
            |layers| layers[0].push(Entry::file(object_path(&"ab".repeat(32), "commitmeta"), DETACHED)),
            "layer 1 holds detached metadata of the commit …, but the commit …",
        ),
        (
            |layers| {
                let commit = at(&layers[0], ".commit");
                let commit = layers[0].remove(commit);
                layers[1].push(commit);
            },
            "layer 2: the object ….commit is metadata, which only the first layer may hold",
        ),
        (
            |layers| {
                let dirmeta = at(&layers[0], ".dirmeta");
                let dirmeta = layers[0][dirmeta].clone();
                layers[2].push(dirmeta);
            },
            "layer 3: the object ….dirmeta is metadata, which only the first layer may hold",
        ),
        (
            |layers| {
                let dirtree = at(&layers[0], ".dirtree");
                body(&mut layers[0][dirtree])[0] ^= 1;
            },
            "layer 1: the object ….dirtree is damaged: its checksum is …",
        ),
        (
            |layers| {
                let file = some_file(&layers[1]);
                body(&mut layers[1][file]).push(b'!');
            },
            "layer 2: the object ….file is damaged: its checksum is …",
        ),
        (
            |layers| {
                let file = some_file(&layers[2]);
                layers[2][file].mode ^= 0o4000;
            },
            "layer 3: the object ….file is damaged: its checksum is …",
        ),
        (
            |layers| {
                let file = some_file(&layers[2]);
                layers[2][file].owner.0 += 1;
            },
            "layer 3: the object ….file is damaged: its checksum is …",
        ),
        (
            |layers| {
                for layer in layers {
                    let links: Vec<_> = layer
                        .iter()
                        .filter(|entry| matches!(&entry.what, What::File(body) if body == b"labelled"))
                        .map(|entry| entry.path.clone() + "-xattrs-link")
                        .collect();
                    layer.retain(|entry| !links.contains(&entry.path));
                }
            },
            "layer 3: the object ….file is damaged or lacks its extended attributes (no .file-xattrs-link)",
        ),
        (
            |layers| {
                for layer in layers {
                    let links = layer.iter_mut().filter(|entry| entry.path.ends_with("-xattrs-link"));
                    links.for_each(|link| link.what = What::File(b"user.b\0x\x07user.a\0x\x07\x09\x12".to_vec()));
                }
            },
            "layer 1: the object ….file-xattrs-link has extended attributes that are not sorted by name, or not unique",
        ),
        (
            |layers| {
                for layer in layers {
                    let links = layer.iter_mut().filter(|entry| entry.path.ends_with("-xattrs-link"));
                    links.for_each(|link| link.what = What::File(b"user.b\0\x07\x08".to_vec()));
                }
            },
            "layer 1: the object ….file has the extended attribute user.b, which has no value, and ostree does not read such attributes back",
        ),
        (
            |layers| layers[0].push(Entry::file(object_path(&"cd".repeat(32), "file-xattrs"), "")),
            "layer 1: the object ….file-xattrs is damaged: its checksum is …",
        ),
        (
            |layers| {
                let name = object_path(&"cd".repeat(32), "file-xattrs-link");
                layers[1].push(Entry::file(name, ""));
            },
            "layer 2: ….file-xattrs-link belongs to a file object that the layer does not hold",
        ),
        (
            |layers| layers[1].push(Entry::file(object_path(&"cd".repeat(32), "file-xattrs"), vec![0; (1 << 20) + 1])),
            "layer 2: the object ….file-xattrs has 1048577 bytes, more than the 1048576 that are read",
        ),
        (
            |layers| layers[0].push(Entry::file(object_path(&"cd".repeat(32), "dirtree"), vec![0; (10 << 20) + 1])),
            "layer 1: the object ….dirtree has 10485761 bytes, more than the 10485760 that are read",
        ),
        (
            |layers| {
                let dirtree = at(&layers[0], ".dirtree");
                layers[0][dirtree].what = What::Symlink("elsewhere".to_owned());
            },
            "layer 1: the object ….dirtree is a symbolic link",
        ),
        (
            |layers| {
                let name = object_path(&"ef".repeat(32), "file");
                layers[1].push(Entry::new(name, 0o644, What::CharDevice));
            },
            "layer 2: the object ….file is a character device",
        ),
        (
            |layers| layers[1].push(Entry::file("sysroot/ostree/repo/objects/ab/README", "")),
            "layer 2: /sysroot/ostree/repo/objects/ab/README is not the path of an ostree object",
        ),
        (
            |layers| layers[1].push(Entry::file("sysroot/ostree/repo/xattrs/x", "")),
            "layer 2: /sysroot/ostree/repo/xattrs/x is not the path of an ostree object",
        ),
        (|layers| layers[1].clear(), "the object ….file of /… is in none of the base's layers"),
        (
            |layers| layers[0].retain(|entry| !entry.path.ends_with(".dirtree")),
            "the object ….dirtree of / is in none of the base's layers",
        ),
        (
            |layers| layers[0].retain(|entry| !entry.path.ends_with(".dirmeta")),
            "the object ….dirmeta of / is in none of the base's layers",
        ),
    ];
    for (number, (damage, expected)) in cases.iter().enumerate() {
        let mut layers = good.clone();
        damage(&mut layers);
        let error = import(&layers).expect_err(expected);
        let said = sentence(&error);
        let (begin, end) = expected.split_once("/…").unwrap_or((expected, ""));
        assert!(said.starts_with(begin) && said.ends_with(end), "case {number}: {said}\nexpected {expected}");
        assert!(!end.is_empty() || said == *expected, "case {number}: {said}\nexpected {expected}");
        assert!(error.hint().is_some(), "{said}");
    }
}

#[test]
fn trees_that_no_file_system_holds_are_refused() {
    let file = "44f778e59f0a4748d6b0c90a47347212a231c4ad1e8f7ea5c5dffc7749153a6b";
    let empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    let plain = hex(&Sha256::digest(PLAIN_DIRMETA));
    let hello = |layer: &mut Vec<Entry>| {
        layer.push(Entry::file(object_path(file, "file"), "hello\n"));
        add(layer, "dirtree", b"\0");
    };
    let mut labelled = PLAIN_DIRMETA.to_vec();
    labelled.extend(b"user.e\0\x07\x08");
    let mut file_mode = PLAIN_DIRMETA.to_vec();
    file_mode[10] = 0x81;
    let long = [b'n'; 256];
    let names_of =
        |names: &[&[u8]]| -> Vec<u8> { dirtree(&names.iter().map(|name| (*name, file)).collect::<Vec<_>>(), &[]) };
    let mut padded = names_of(&[b"a"]);
    padded.push(0);
    for (tree, meta, expected) in [
        (names_of(&[b".."]), PLAIN_DIRMETA, "the name of /.. is reserved"),
        (names_of(&[b"."]), PLAIN_DIRMETA, "the name of /. is reserved"),
        (names_of(&[b""]), PLAIN_DIRMETA, "the name of / is empty"),
        (names_of(&[b"a/b"]), PLAIN_DIRMETA, "the name of /a/b has a slash or a zero byte in it"),
        (names_of(&[b"/etc"]), PLAIN_DIRMETA, "the name of /etc has a slash or a zero byte in it"),
        (names_of(&[b"\xff"]), PLAIN_DIRMETA, "the name of /\\xff is not valid UTF-8"),
        (
            names_of(&[b"b", b"a"]),
            PLAIN_DIRMETA,
            "layer 1: the object ….dirtree has names that are not sorted or not unique",
        ),
        (
            names_of(&[b"a", b"a"]),
            PLAIN_DIRMETA,
            "layer 1: the object ….dirtree has names that are not sorted or not unique",
        ),
        (
            dirtree(&[(b"a", file)], &[(b"a", empty, &plain)]),
            PLAIN_DIRMETA,
            "the list of names in / gives one name to a file and a directory",
        ),
        (padded, PLAIN_DIRMETA, "layer 1: the object ….dirtree is not a list of names (a(say)a(sayay))"),
        (names_of(&[b"a"]), &file_mode, "layer 1: the object ….dirmeta has a mode that is no directory's"),
        (
            names_of(&[b"a"]),
            &PLAIN_DIRMETA[..11],
            "layer 1: the object ….dirmeta is not a directory's metadata (uuua(ayay))",
        ),
        (
            names_of(&[b"a"]),
            &labelled,
            "layer 1: the object ….dirmeta has the extended attribute user.e, which has no value, and ostree does not read such attributes back",
        ),
    ] {
        let mut layer = layer_of(&tree, meta);
        hello(&mut layer);
        let error = import(&[layer]).expect_err(expected);
        assert_eq!(sentence(&error), expected);
    }
    // The same by hand, where the framing offsets of a long name take two bytes.
    let mut element = [&long[..], b"\0", &unhex(file)].concat();
    element.extend(257_u16.to_le_bytes());
    let end = u16::try_from(element.len()).unwrap();
    let tree = [&element[..], &end.to_le_bytes(), &(end + 2).to_le_bytes()].concat();
    let mut layer = layer_of(&tree, PLAIN_DIRMETA);
    hello(&mut layer);
    let error = import(&[layer]).unwrap_err().to_string();
    assert!(error.ends_with("is longer than 255 bytes"), "{error}");
    // And what is good is taken.
    let mut layer = layer_of(&dirtree(&[(b"a", file)], &[(b"d", empty, &plain)]), PLAIN_DIRMETA);
    hello(&mut layer);
    let base = import(&[layer]).unwrap();
    assert_eq!(base.tree().root.entries.len(), 2);
}

/// A list of names may name itself only by chance of 2⁻²⁵⁶, but few lists can make very many or very deep paths.
#[test]
fn few_objects_do_not_make_endless_trees() {
    let grow = |levels: usize, names: &[&[u8]]| {
        let mut layer = Vec::new();
        let meta = add(&mut layer, "dirmeta", PLAIN_DIRMETA);
        let mut tree = add(&mut layer, "dirtree", b"\0");
        for _ in 0..levels {
            let below: Vec<_> = names.iter().map(|name| (*name, tree.as_str(), meta.as_str())).collect();
            let bytes = dirtree(&[], &below);
            tree = add(&mut layer, "dirtree", &bytes);
        }
        add(&mut layer, "commit", &commit_of(&tree, &meta));
        import(&[layer])
    };
    assert!(grow(512, &[b"d"]).is_ok());
    let error = grow(513, &[b"d"]).unwrap_err().to_string();
    assert!(error.ends_with("/d is more than 512 directories deep"), "{error}");
    assert!(grow(10, &[b"a", b"b", b"c"]).is_ok());
    let error = grow(40, &[b"a", b"b", b"c"]).unwrap_err().to_string();
    assert_eq!(error, "the commit's tree has more than 2097152 paths");
}

#[test]
fn the_label_leads_to_one_layer() {
    let ids = ["sha256:a", "sha256:b", "sha256:c", "sha256:b"];
    assert_eq!(final_layer(None, ids).unwrap(), None);
    assert_eq!(final_layer(Some("sha256:a"), ids).unwrap(), Some(0));
    assert_eq!(final_layer(Some("sha256:c"), ids).unwrap(), Some(2));
    for (value, expected) in [
        ("sha256:d", format!("the label {LABEL} names \"sha256:d\", which is none of the image's 4 layers")),
        ("sha256:b", format!("the label {LABEL} names \"sha256:b\", which is layer 2 and layer 4 of the image")),
    ] {
        let error = final_layer(Some(value), ids).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().unwrap().contains("squashed"));
    }
}
