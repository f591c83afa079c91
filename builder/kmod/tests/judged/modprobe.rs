//! What to load, and what the lists say.

use std::collections::BTreeSet;
use std::fs;

use builder_kmod::{Modules, Provider, Softdeps, State};

use crate::made::{Kernel, RELEASE, strings};
use crate::tools::{Dice, modprobe};

fn loaded(modules: &Modules, name: &str) -> Vec<String> {
    modules.requires(name, Softdeps::FirstLine).unwrap().iter().map(|module| module.name.clone()).collect()
}

/// A kernel with all that the lists can have.
fn small() -> Kernel {
    let kernel = Kernel::new();
    let module = |file: &str, uses: &[&str], modinfo: &[&str]| {
        kernel.module(file, &strings(uses), &strings(modinfo));
    };
    module("a-x", &["b", "c"], &["alias=pci:v0000*d[1-3]*", "alias=fs-a", "softdep=pre: p  post: q"]);
    module("b", &["c"], &["alias=fs-a", "softdep=pre: soft-name"]);
    module("c", &[], &["softdep=pre: r", "softdep=pre: z"]);
    module("p", &["r"], &["alias=char-major-10-200", "alias=devname:net/p"]);
    module("q", &["a-x"], &["alias=fs-a", "alias=q-[a-c-]-*"]);
    module("r", &[], &["alias=soft-name", "softdep=pre: none in-side"]);
    module("z", &[], &["alias=soft-*"]);
    kernel.put("modules.builtin", "kernel/x/in-side.ko\nkernel/y/other.ko\n");
    kernel.put("modules.builtin.modinfo", "in_side.license=GPL\0other.alias=other-*\0other.alias=fs-a\0");
    kernel.put("modules.order", "kernel/z.ko\nkernel/c.ko\n");
    kernel.depmod();
    kernel
}

#[test]
fn the_order_of_loading_is_that_of_modprobe() {
    let kernel = small();
    let names = ["a-x", "a_x", "b", "c", "p", "q", "r", "z", "in-side", "in_side", "other-7"];
    for modules in [kernel.texts(), kernel.indexes()] {
        for name in names {
            assert_eq!(loaded(&modules, name), modprobe(kernel.root(), RELEASE, name), "{name}");
        }
    }
}

#[test]
fn aliases_lead_where_they_lead_modprobe() {
    let kernel = small();
    let names =
        ["pci:v0000123d2sv7", "fs-a", "fs_a", "soft-name", "soft_other", "q-b-x", "other-7", "char-major-10-200"];
    for modules in [kernel.texts(), kernel.indexes()] {
        for name in names {
            assert_eq!(loaded(&modules, name), modprobe(kernel.root(), RELEASE, name), "{name}");
        }
        for name in ["pci:v0000123d4", "q---x", "q-d-x", "fs", "soft"] {
            assert_eq!(modules.lookup(name), [], "{name}");
        }
    }
}

#[test]
fn indexes_say_the_same_as_texts() {
    let kernel = small();
    let (texts, indexes) = (kernel.texts(), kernel.indexes());
    assert!(texts.iter().eq(indexes.iter()));
    assert_eq!(texts.iter().count(), 7);
    assert!(texts.builtin().eq(["in_side", "other"]) && texts.builtin().eq(indexes.builtin()));
    let set = |modules: &Modules| {
        let all = modules.aliases().chain(modules.builtin_aliases());
        all.map(|(pattern, module)| (pattern.to_owned(), module.to_owned())).collect::<BTreeSet<_>>()
    };
    assert_eq!(set(&texts), set(&indexes));
    assert_eq!(texts.device_nodes().len(), 1);
    assert_eq!((texts.device_nodes()[0].module.as_str(), texts.device_nodes()[0].minor), ("p", 200));
    assert_eq!(texts.softdeps("c").len(), 2);
    assert_eq!(texts.lost().count() + texts.unlisted().count(), 0);
    // An initramfs may have the indexes alone.
    for name in ["modules.dep", "modules.alias", "modules.builtin", "modules.builtin.modinfo"] {
        fs::remove_file(kernel.directory().join(name)).unwrap();
    }
    let bare = kernel.texts();
    assert!(bare.iter().eq(texts.iter()) && bare.builtin().eq(texts.builtin()));
    assert_eq!(set(&bare), set(&texts));
    assert_eq!(bare.state("other-7"), State::Builtin);
    assert!(matches!(bare.lookup("fs-a")[..], [Provider::Module(_), Provider::Module(_), Provider::Module(_)]));
}

#[test]
fn in_random_kernels_the_order_is_that_of_modprobe() {
    for seed in 1..=3 {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed);
        let kernel = Kernel::new();
        let count = 25;
        for at in 0..count {
            let mut some = |most: usize, below: usize| -> Vec<String> {
                let names = if below == 0 { 0 } else { dice.roll(most + 1) };
                let mut names: Vec<_> = (0..names).map(|_| format!("m{}", dice.roll(below))).collect();
                names.dedup();
                names
            };
            // Uses lead to modules with lower numbers only, so there is no circle; soft ones lead anywhere.
            let uses = some(4, at);
            let (before, after) = (some(2, count), some(2, count));
            let mut modinfo = vec![format!("name=m{at}")];
            if !before.is_empty() || !after.is_empty() {
                modinfo.push(format!("softdep=pre: {} post: {}", before.join(" "), after.join(" ")));
            }
            kernel.module(&format!("m{at}"), &uses, &modinfo);
        }
        kernel.depmod();
        let modules = kernel.texts();
        for at in 0..count {
            let name = format!("m{at}");
            assert_eq!(loaded(&modules, &name), modprobe(kernel.root(), RELEASE, &name), "seed {seed}, {name}");
        }
    }
}
