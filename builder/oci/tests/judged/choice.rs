//! Which image of a layout is meant, and what is wrong with layouts.

use std::fs;

use builder_oci::{Image, ImageSource, Platform};
use serde_json::{Value, json};

use crate::layout::{INDEX, Layout, Packing, amd64, config, layout_of, pack, read, sha256, sha512};
use crate::tarfile::{Tar, file};

fn layer(text: &str) -> Vec<(Vec<u8>, Packing)> {
    vec![(Tar::of([file(text, text)]).end(), Packing::Gzip)]
}

fn index(layout: &Layout, manifests: &[Value]) -> Value {
    layout.blob(json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string().as_bytes(), INDEX)
}

fn with_platform(mut descriptor: Value, platform: &str) -> Value {
    let platform: Platform = platform.parse().unwrap();
    descriptor["platform"] = json!({"os": platform.os, "architecture": platform.architecture});
    if let Some(variant) = platform.variant {
        descriptor["platform"]["variant"] = variant.into();
    }
    descriptor
}

fn error(source: &ImageSource, platform: &Platform) -> String {
    Image::open(source, platform).unwrap_err().to_string()
}

#[test]
fn the_tag_or_the_only_image_is_taken() {
    let mut layout = Layout::new();
    assert_eq!(error(&layout.source(None), &amd64()), "no tag is given, but there is no image at all");
    let one = layout.image(&layer("one"), "amd64");
    layout.enter(one, Some("v1"));
    assert!(Image::open(&layout.source(None), &amd64()).is_ok());
    assert_eq!(error(&layout.source(Some("v9")), &amd64()), "no image is tagged \"v9\"; the only tag is v1");
    let two = layout.image(&layer("two"), "amd64");
    layout.enter(two.clone(), Some("quay.io/me/os:42"));
    let failed = Image::open(&layout.source(None), &amd64()).unwrap_err();
    assert_eq!(failed.to_string(), "no tag is given, but the tags are quay.io/me/os:42, v1");
    assert_eq!(failed.hint().unwrap(), "put the tag behind the path, such as oci:PATH:quay.io/me/os:42");
    let image = Image::open(&layout.source(Some("quay.io/me/os:42")), &amd64()).unwrap();
    assert_eq!(image.manifest_digest().as_str(), two["digest"]);
    assert_eq!(image.labels().into_iter().collect::<Vec<_>>(), [("a".into(), "1".into()), ("b".into(), "2".into())]);
    assert_eq!(image.created(), Some(1_709_210_096));
    assert_eq!(image.layers().len(), 1);
}

#[test]
fn the_platform_is_chosen_in_nested_indexes() {
    let mut layout = Layout::new();
    let of = |platform: &str, architecture: &str| {
        with_platform(layout.image(&layer(&platform.replace('/', "-")), architecture), platform)
    };
    let inner = index(&layout, &[of("linux/arm64/v8", "arm64"), of("linux/arm/v7", "arm")]);
    let attestation = with_platform(of("linux/s390x", "s390x"), "unknown/unknown");
    let outer = index(&layout, &[attestation, of("linux/amd64", "amd64"), inner]);
    layout.enter(outer, None);
    let source = layout.source(None);
    for (platform, name) in
        [("linux/amd64", "linux-amd64"), ("linux/arm64", "linux-arm64-v8"), ("linux/arm/v7", "linux-arm-v7")]
    {
        let image = Image::open(&source, &platform.parse().unwrap()).unwrap();
        let mut store = builder_tree::ContentStore::new(&std::env::temp_dir()).unwrap();
        let layers = image.read_layers(&mut store, &|_| Vec::new(), &mut |_| {}).unwrap();
        assert!(layers.merged.get(name.as_bytes()).is_some(), "{platform}");
    }
    assert_eq!(
        error(&source, &"linux/riscv64".parse().unwrap()),
        "the image has nothing for linux/riscv64; it has linux/amd64, linux/arm/v7, linux/arm64/v8"
    );
}

#[test]
fn the_only_manifest_must_be_for_the_platform() {
    let layout = layout_of(&layer("x"));
    assert_eq!(
        error(&layout.source(None), &Platform::host("aarch64")),
        "the image has nothing for linux/arm64; it has linux/amd64"
    );
}

#[test]
fn indexes_nest_four_deep_and_no_deeper() {
    for (depth, good) in [(1, true), (4, true), (5, false)] {
        let mut layout = Layout::new();
        let mut descriptor = with_platform(layout.image(&layer("x"), "amd64"), "linux/amd64");
        for _ in 0..depth {
            descriptor = index(&layout, &[descriptor]);
        }
        layout.enter(descriptor, None);
        let result = Image::open(&layout.source(None), &amd64());
        assert_eq!(result.is_ok(), good, "{depth}");
        if let Err(error) = result {
            assert_eq!(error.to_string(), "the image index nests other indexes more than 4 deep");
        }
    }
}

#[test]
fn sha512_is_checked_like_sha256() {
    let mut layout = Layout::new();
    let tar = Tar::of([file("x", "x")]).end();
    let digest = sha512(&tar);
    fs::create_dir_all(layout.path().join("blobs/sha512")).unwrap();
    fs::write(layout.blob_path(&digest), &tar).unwrap();
    let media_type = "application/vnd.oci.image.layer.v1.tar";
    let descriptor = json!({"mediaType": media_type, "digest": digest, "size": tar.len()});
    let manifest = layout.manifest(&[descriptor], &config("amd64", &[sha512(&tar)]));
    layout.enter(manifest, None);
    read(&layout.source(None)).unwrap();
    fs::write(layout.blob_path(&digest), Tar::of([file("y", "x")]).end()).unwrap();
    let text = read(&layout.source(None)).unwrap_err().to_string();
    assert!(text.contains("the blob is damaged: its contents have the digest sha512:"), "{text}");
}

#[test]
fn documents_as_docker_writes_them_are_understood() {
    let tar = Tar::of([file("x", "x")]).end();
    let mut layout = Layout::new();
    let (bytes, media_type) = pack(&tar, Packing::Docker);
    let layer = layout.blob(&bytes, media_type);
    let config = json!({
        "architecture": "amd64", "os": "linux", "docker_version": "20.10", "container": "0123",
        "container_config": {"Hostname": "h", "Cmd": ["/bin/sh"]}, "created": "2023-01-01T00:00:00.123456789+01:00",
        "config": {
            "Hostname": "", "AttachStdin": false, "ExposedPorts": {"80/tcp": {}}, "Env": ["PATH=/bin"], "Cmd": null,
            "Healthcheck": {"Test": ["NONE"]}, "Volumes": null, "Entrypoint": null, "OnBuild": null, "Labels": null,
        },
        "history": [{"created": "2023-01-01T00:00:00Z", "created_by": "/bin/sh -c", "empty_layer": true}],
        "rootfs": {"type": "layers", "diff_ids": [sha256(&tar)]},
    });
    let config = layout.blob(config.to_string().as_bytes(), "application/vnd.docker.container.image.v1+json");
    let media_type = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer]});
    let manifest = with_platform(layout.blob(manifest.to_string().as_bytes(), media_type), "linux/amd64");
    let media_type = "application/vnd.docker.distribution.manifest.list.v2+json";
    let list = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": [manifest]});
    let list = layout.blob(list.to_string().as_bytes(), media_type);
    layout.enter(list, None);
    let image = Image::open(&layout.source(None), &amd64()).unwrap();
    assert!(image.labels().is_empty());
    assert_eq!(image.created(), Some(1_672_527_600));
    assert!(read(&layout.source(None)).unwrap().merged.get(b"x").is_some());
}

/// A change to a good layout, and what is said about it.
type Case = (fn(&mut Layout, &Value), &'static str);

#[test]
fn damaged_layouts_are_explained() {
    let cases: [Case; 13] = [
        (|layout, _| fs::remove_file(layout.path().join("oci-layout")).unwrap(), "it has no file oci-layout"),
        (|layout, _| fs::remove_file(layout.path().join("index.json")).unwrap(), "it has no file index.json"),
        (
            |layout, _| fs::write(layout.path().join("index.json"), "{").unwrap(),
            "the file index.json cannot be understood",
        ),
        (
            |layout, _| fs::write(layout.path().join("index.json"), vec![b' '; (4 << 20) + 1]).unwrap(),
            "the file index.json has 4,194,305 bytes, more than the 4,194,304 that are read",
        ),
        (|layout, image| fs::remove_file(layout.blob_path(image["digest"].as_str().unwrap())).unwrap(), "is missing"),
        (
            |layout, image| {
                let path = layout.blob_path(image["digest"].as_str().unwrap());
                let text = fs::read_to_string(&path).unwrap().replace("\"schemaVersion\":2", "\"schemaVersion\":3");
                fs::write(path, text).unwrap();
            },
            "is damaged: its contents have the digest sha256:",
        ),
        (
            |layout, image| {
                let path = layout.blob_path(image["digest"].as_str().unwrap());
                fs::write(&path, [&fs::read(&path).unwrap()[..], b" "].concat()).unwrap();
            },
            "bytes, its descriptor says",
        ),
        (
            |layout, _| {
                layout.manifests[0]["digest"] = format!("sha384:{}", "a".repeat(96)).into();
                layout.manifests[0]["size"] = 5.into();
            },
            "the digest of the manifest cannot be checked",
        ),
        (|layout, _| layout.manifests[0]["mediaType"] = "text/plain".into(), "has the media type \"text/plain\""),
        (|layout, _| layout.manifests[0]["size"] = (1_u64 << 60).into(), "more than the 4,194,304 that are read"),
        (
            |layout, _| {
                let manifest = layout.manifest(&[], &config("amd64", &[]));
                layout.manifests[0] = manifest;
            },
            "the image has no layers",
        ),
        (
            |layout, _| {
                let manifest = layout.manifest(&[], &config("amd64", &[sha256(b"")]));
                layout.manifests[0] = manifest;
            },
            "the manifest has 0 layers, but the configuration has 1 diff-ids",
        ),
        (
            |layout, _| {
                let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
                let layer = layout.blob(b"", foreign);
                layout.manifests[0] = layout.manifest(&[layer], &config("amd64", &[sha256(b"")]));
            },
            "layer 1 of 1 has the media type \"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\", so its \
             contents are kept elsewhere",
        ),
    ];
    for (change, wanted) in cases {
        let mut layout = Layout::new();
        let image = layout.image(&layer("x"), "amd64");
        layout.enter(image.clone(), Some("t"));
        let before = layout.manifests.clone();
        change(&mut layout, &image);
        if layout.manifests != before {
            let changed = layout.manifests.remove(0);
            layout.enter(changed, Some("t"));
        }
        let text = error(&layout.source(Some("t")), &amd64());
        assert!(text.contains(wanted), "{text}\nwanted: {wanted}");
    }
}

#[test]
fn archives_are_read_in_place_or_explained() {
    let layout = layout_of(&layer("x"));
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("image.tar");
    let mut builder = tar::Builder::new(fs::File::create(&archive).unwrap());
    builder.append_dir_all(".", layout.path()).unwrap();
    builder.finish().unwrap();
    let source = ImageSource::archive(&archive, None);
    assert!(read(&source).unwrap().merged.get(b"x").is_some());
    let whole = fs::read(&archive).unwrap();
    for (bytes, wanted) in [
        (whole[..whole.len() - 2000].to_vec(), "is not an OCI archive: it"),
        (vec![0x1f, 0x8b, 8, 0], "it is compressed with gzip"),
        (vec![], "it has no file oci-layout"),
        (vec![1; 4096], "it cannot be read as tar"),
    ] {
        fs::write(&archive, bytes).unwrap();
        let text = error(&source, &amd64());
        assert!(text.contains(wanted), "{text}\nwanted: {wanted}");
    }
    let folder = error(&ImageSource::archive(directory.path(), None), &amd64());
    assert!(folder.ends_with("is not an OCI archive: it is a folder"), "{folder}");
    let file = Image::open(&ImageSource::directory(&archive, None), &amd64()).unwrap_err();
    assert!(file.hint().unwrap().starts_with("write oci-archive:"));
}
