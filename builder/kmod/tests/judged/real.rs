//! A distribution's kernel, where somebody has one at hand.

use std::collections::BTreeSet;
use std::path::PathBuf;

use builder_kmod::{Machine, ModuleInfo, Modules, Softdeps, coverage, kernel_release};
use builder_tree::{DisplayPath, FileTree};

use crate::tools::{modinfo, modprobe, tree};

fn set(modules: &Modules) -> BTreeSet<(&str, &str)> {
    modules.aliases().chain(modules.builtin_aliases()).collect()
}

/// Compares every module of the kernel in the folder `KMOD_ROOT`, an unpacked kernel package after `depmod`.
#[test]
#[ignore = "needs an unpacked kernel package, see KMOD_ROOT"]
fn all_answers_about_a_distributions_kernel_are_those_of_kmod() {
    let root = PathBuf::from(std::env::var_os("KMOD_ROOT").expect("KMOD_ROOT is the folder with lib/modules"));
    let tree: FileTree = tree(&root);
    let releases = tree.directory(b"lib/modules").expect("KMOD_ROOT has lib/modules");
    for release in releases.entries.keys() {
        let release = std::str::from_utf8(release).unwrap();
        let directory = format!("lib/modules/{release}");
        let modules = Modules::read(&tree, &directory).unwrap();
        let indexes = Modules::read_indexes(&tree, &directory).unwrap();
        assert!(modules.iter().eq(indexes.iter()) && modules.builtin().eq(indexes.builtin()));
        assert_eq!(set(&modules), set(&indexes));
        assert_eq!((modules.lost().count(), modules.unlisted().count()), (0, 0));
        let path = format!("boot/vmlinuz-{release}");
        if let Some(content) = tree.get(path.as_bytes()).and_then(|node| node.as_leaf()?.content()) {
            let image = content.read_to_vec(64 << 20).unwrap();
            let found = kernel_release(&image).unwrap();
            assert!(found.as_deref().is_none_or(|found| modules.disagreement(found).is_none()), "{found:?}");
            eprintln_line(&format!("{}: {found:?}", DisplayPath(path.as_bytes())));
        }
        for (at, module) in modules.iter().enumerate() {
            let order = modules.requires(&module.name, Softdeps::FirstLine).unwrap();
            let names: Vec<_> = order.iter().map(|module| module.name.clone()).collect();
            assert_eq!(names, modprobe(&root, release, &module.name), "{}", module.name);
            let path = modules.path_of(module);
            let info = ModuleInfo::read(&tree, &path).unwrap();
            assert_eq!(info.disagreements(&path, release, info.machine().unwrap()), []);
            if at % 20 == 0 {
                for field in ["alias", "depends", "license", "firmware", "vermagic", "name"] {
                    let file = root.join(&path);
                    assert_eq!(info.fields.all(field).collect::<Vec<_>>(), modinfo(field, &file), "{path} {field}");
                }
                let signer: Vec<_> = info.signature.and_then(|signature| signature.signer).into_iter().collect();
                assert_eq!(signer, modinfo("signer", &root.join(&path)), "{path}");
            }
        }
        for found in coverage(&modules, None, Machine::X86_64) {
            eprintln_line(&format!("{:14} {:?} {:?}", found.driver.name, found.place, found.module));
        }
    }
}

/// What somebody who runs this by hand wants to see.
#[expect(clippy::print_stderr, reason = "a test that is run by hand")]
fn eprintln_line(line: &str) {
    eprintln!("{line}");
}
