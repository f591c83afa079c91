//! Kernels without code: their modules have symbols and descriptions.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use builder_kmod::Modules;
use tempfile::TempDir;

use crate::tools::{run, tree};

pub(crate) const RELEASE: &str = "6.1.0-test";

/// A folder with the modules of a kernel.
pub(crate) struct Kernel {
    folder: TempDir,
}

impl Kernel {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let kernel = Self { folder };
        fs::create_dir_all(kernel.directory().join("kernel")).unwrap();
        kernel
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.root().join("lib/modules").join(RELEASE)
    }

    pub(crate) fn put(&self, name: &str, body: impl AsRef<[u8]>) {
        fs::write(self.directory().join(name), body).unwrap();
    }

    /// Makes a module that exports a symbol of its own and uses those of others.
    pub(crate) fn module(&self, file: &str, uses: &[String], modinfo: &[String]) -> PathBuf {
        let symbol = |name: &str| format!("symbol_of_{}", name.replace('-', "_"));
        let mut source = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(source, ".section .modinfo,\"a\"");
        for field in modinfo {
            let _ = writeln!(source, ".asciz \"{field}\"");
        }
        let _ = writeln!(source, ".section __ksymtab_strings,\"a\"\n.asciz \"{}\"\n.data", symbol(file));
        for name in uses {
            let _ = writeln!(source, ".8byte {}", symbol(name));
        }
        let path = self.directory().join("kernel").join(format!("{file}.ko"));
        run("binutils", &["as", "-o", path.to_str().unwrap(), "--"], source.as_bytes());
        path
    }

    pub(crate) fn depmod(&self) {
        run("kmod", &["depmod", "-b", self.root().to_str().unwrap(), RELEASE], &[]);
    }

    /// What we read of the text files.
    pub(crate) fn texts(&self) -> Modules {
        Modules::read(&tree(self.root()), &format!("lib/modules/{RELEASE}")).unwrap()
    }

    /// What we read of the indexes.
    pub(crate) fn indexes(&self) -> Modules {
        Modules::read_indexes(&tree(self.root()), &format!("lib/modules/{RELEASE}")).unwrap()
    }
}

pub(crate) fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
