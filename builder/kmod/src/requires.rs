//! What to load for a module, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use crate::budget::{Budget, STEPS, Spent};
use crate::{Module, Modules, Provider};

/// Which soft dependencies are loaded with a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Softdeps {
    /// None: what the module cannot be loaded without.
    Without,
    /// Those of a module's first line in `modules.softdep`: what `modprobe` loads.
    FirstLine,
    /// All: what somebody who carries the module to another place takes along.
    All,
}

/// Why a module cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequireError {
    /// Neither name nor alias of anything.
    #[error("{directory} has no module {name}")]
    Unknown {
        /// The directory of the modules.
        directory: String,
        /// As it was asked for.
        name: String,
    },
    /// A dependency that has no line of its own.
    #[error("the module {module} of {directory} needs {dependency}, which is neither built in nor in modules.dep")]
    NotListed {
        /// The directory of the modules.
        directory: String,
        /// The module that needs it.
        module: String,
        /// What is needed.
        dependency: String,
    },
    /// A file that is missing.
    #[error("the module {module} needs {path}, which is in modules.dep and is not there")]
    NoFile {
        /// The module that was asked for.
        module: String,
        /// Path of the missing file from the root of the tree.
        path: String,
    },
    /// Modules that need each other.
    #[error("the modules of {directory} need each other in a circle: {}", circle.join(" → "))]
    Circle {
        /// The directory of the modules.
        directory: String,
        /// The modules, each needs the next one; the first one is the last one too.
        circle: Vec<String>,
    },
    /// More work than any real kernel makes.
    #[error("what the module {name} of {directory} needs takes more than {limit} steps to find")]
    TooMuch {
        /// The directory of the modules.
        directory: String,
        /// As it was asked for.
        name: String,
        /// The limit in steps.
        limit: u64,
    },
}

impl RequireError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Unknown { .. } => "install the package that has it; some distributions have kernel-modules-extra",
            Self::NotListed { .. } | Self::Circle { .. } | Self::TooMuch { .. } => {
                "run depmod for this release again, in the image's build"
            }
            Self::NoFile { .. } => "install the package that has the file, or run depmod after removing modules",
        };
        Some(text.into())
    }
}

impl Modules {
    /// The modules to load for the one of that name or alias, in this order: what it needs comes first. What is built in
    /// is left out, so nothing is to load for a built-in module.
    ///
    /// As `modprobe --show-depends`, but each module only once. Soft dependencies that are unknown or missing are left
    /// out.
    ///
    /// # Errors
    /// [`RequireError`]; with [`Softdeps::Without`] just for what the module cannot be loaded without.
    pub fn requires(&self, name: &str, softdeps: Softdeps) -> Result<Vec<&Module>, RequireError> {
        let mut loading = Loading {
            modules: self,
            softdeps,
            name,
            budget: Budget::new(STEPS),
            soft: BTreeMap::new(),
            visited: BTreeSet::new(),
            loaded: BTreeSet::new(),
            order: Vec::new(),
        };
        let providers = self.lookup_within(name, &mut loading.budget).map_err(|spent| loading.too_much(spent))?;
        if providers.is_empty() {
            return Err(RequireError::Unknown { directory: self.directory.clone(), name: name.to_owned() });
        }
        for provider in providers {
            if let Provider::Module(module) = provider {
                loading.load(module)?;
            }
        }
        let order = loading.order;
        match order.iter().find(|module| !self.is_present(module)) {
            Some(lost) => Err(RequireError::NoFile { module: name.to_owned(), path: self.path_of(lost) }),
            None => Ok(order),
        }
    }

    /// The module behind all that it cannot be loaded without, whether their files are there or not.
    ///
    /// Its time is bound by the size of `modules.dep`.
    pub(crate) fn needed<'a>(&'a self, module: &'a Module) -> Result<Vec<&'a Module>, RequireError> {
        let mut order = Vec::new();
        // Modules that are on the way to being loaded, and how many of their dependencies are done.
        let mut open = vec![(module, 0_usize)];
        let mut is_done = BTreeMap::from([(module.name.as_str(), false)]);
        while let Some((module, done)) = open.last_mut() {
            let module = *module;
            // `modules.dep` has the nearest first.
            let Some(dependency) = module.depends.iter().rev().nth(*done) else {
                is_done.insert(&module.name, true);
                order.push(module);
                open.pop();
                continue;
            };
            *done += 1;
            match (is_done.get(dependency.as_str()).copied(), self.by_name(dependency)) {
                (Some(true), _) | (None, Some(Provider::Builtin(_))) => {}
                (Some(false), _) => {
                    let names = open.iter().map(|(module, _)| module.name.clone());
                    let mut circle: Vec<_> = names.skip_while(|name| name != dependency).collect();
                    circle.push(dependency.clone());
                    return Err(RequireError::Circle { directory: self.directory.clone(), circle });
                }
                (None, Some(Provider::Module(needed))) => {
                    is_done.insert(&needed.name, false);
                    open.push((needed, 0));
                }
                (None, None) => {
                    return Err(RequireError::NotListed {
                        directory: self.directory.clone(),
                        module: module.name.clone(),
                        dependency: dependency.clone(),
                    });
                }
            }
        }
        Ok(order)
    }
}

/// Puts modules into the order of loading, as libkmod does (`kmod_module_get_probe_list`).
struct Loading<'a, 'n> {
    modules: &'a Modules,
    softdeps: Softdeps,
    /// What was asked for.
    name: &'n str,
    budget: Budget,
    /// Soft dependencies by their module, as far as they were looked up.
    soft: BTreeMap<&'a str, Soft<'a>>,
    /// Modules whose dependencies were looked at.
    visited: BTreeSet<&'a str>,
    loaded: BTreeSet<&'a str>,
    order: Vec<&'a Module>,
}

/// What should be loaded before and after a module, is there and is not built in.
#[derive(Default)]
struct Soft<'a> {
    before: Vec<&'a Module>,
    after: Vec<&'a Module>,
}

/// What is still to do. The functions of libkmod call each other, which hostile lists could make deep.
enum Task<'a> {
    /// A module with all it needs.
    Visit(&'a Module),
    /// A module whose dependencies are done, with its soft ones.
    Surround(&'a Module),
    Load(&'a Module),
}

impl<'a> Loading<'a, '_> {
    fn load(&mut self, module: &'a Module) -> Result<(), RequireError> {
        let mut tasks = vec![Task::Visit(module)];
        while let Some(task) = tasks.pop() {
            self.budget.take(1).map_err(|spent| self.too_much(spent))?;
            // What is put last is done first.
            match task {
                Task::Visit(module) => {
                    if self.visited.insert(&module.name) {
                        let needed = self.modules.needed(module)?;
                        let steps: u64 = needed.iter().map(|module| module.depends.len() as u64 + 1).sum();
                        self.budget.take(steps).map_err(|spent| self.too_much(spent))?;
                        tasks.extend(needed.into_iter().rev().map(Task::Surround));
                    }
                }
                // Once more for a module that is loaded: libkmod looks at its soft dependencies again, which can bring
                // some of them forward.
                Task::Surround(module) => {
                    if !self.soft.contains_key(module.name.as_str()) {
                        let soft = self.find_soft(module)?;
                        self.soft.insert(&module.name, soft);
                    }
                    let Some(soft) = self.soft.get(module.name.as_str()) else { continue };
                    let steps = soft.before.len() as u64 + soft.after.len() as u64;
                    tasks.extend(soft.after.iter().rev().map(|module| Task::Visit(module)));
                    tasks.push(Task::Load(module));
                    tasks.extend(soft.before.iter().rev().map(|module| Task::Visit(module)));
                    self.budget.take(steps).map_err(|spent| self.too_much(spent))?;
                }
                Task::Load(module) => {
                    if self.loaded.insert(&module.name) {
                        self.order.push(module);
                    }
                }
            }
        }
        Ok(())
    }

    fn find_soft(&mut self, module: &Module) -> Result<Soft<'a>, RequireError> {
        let modules = self.modules;
        let lines = modules.softdeps(&module.name);
        let lines = match self.softdeps {
            Softdeps::Without => &lines[..0],
            Softdeps::FirstLine => &lines[..lines.len().min(1)],
            Softdeps::All => lines,
        };
        let mut soft = Soft::default();
        for line in lines {
            for (names, found) in [(&line.before, &mut soft.before), (&line.after, &mut soft.after)] {
                for name in names {
                    self.budget.take(1).map_err(|spent| self.too_much(spent))?;
                    let providers = modules.lookup_within(name, &mut self.budget);
                    for provider in providers.map_err(|spent| self.too_much(spent))? {
                        match provider {
                            Provider::Module(module) if modules.is_present(module) => found.push(module),
                            _ => {}
                        }
                    }
                }
            }
        }
        Ok(soft)
    }

    fn too_much(&self, _: Spent) -> RequireError {
        RequireError::TooMuch { directory: self.modules.directory.clone(), name: self.name.to_owned(), limit: STEPS }
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::*;

    fn modules(dependencies: &str, softdeps: &str, lost: &str) -> Modules {
        let mut tree = FileTree::new();
        let mut put = |path: &str, body: &str| {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec()));
            tree.insert(format!("m/{path}").as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        };
        put("modules.dep", dependencies);
        put("modules.softdep", softdeps);
        put("modules.alias", "alias soft-* s1\nalias soft-* s2\n");
        put("modules.builtin", "kernel/inside.ko\n");
        for line in dependencies.lines() {
            let path = line.split(':').next().unwrap();
            if path != lost {
                put(path, "");
            }
        }
        Modules::read(&tree, "m").unwrap()
    }

    fn names(order: &[&Module]) -> Vec<String> {
        order.iter().map(|module| module.name.clone()).collect()
    }

    #[test]
    fn what_is_needed_comes_first_and_once() {
        // The second line of `a` is as depmod writes it, that of `d` names only what it needs directly.
        let modules = modules("a.ko: b.ko c.ko\nb.ko: c.ko inside.ko\nc.ko:\nd.ko: a.ko inside.ko\n", "", "");
        for (name, expected) in [
            ("a", &["c", "b", "a"][..]),
            ("b", &["c", "b"]),
            ("c", &["c"]),
            ("d", &["c", "b", "a", "d"]),
            ("inside", &[]),
        ] {
            for softdeps in [Softdeps::Without, Softdeps::FirstLine, Softdeps::All] {
                assert_eq!(names(&modules.requires(name, softdeps).unwrap()), expected, "{name}");
            }
        }
    }

    #[test]
    fn soft_dependencies_surround_their_module() {
        let modules = modules(
            "a.ko: b.ko\nb.ko:\ns1.ko:\ns2.ko: b.ko\np.ko: a.ko\nlost.ko:\n",
            "softdep b pre: soft-x none inside lost post: p\nsoftdep b pre: a\nsoftdep a post: s1\n",
            "lost.ko",
        );
        for (softdeps, expected) in [
            (Softdeps::Without, &["b", "a"][..]),
            // `s2` needs `b`, which is therefore loaded inside of its own soft dependencies.
            (Softdeps::FirstLine, &["s1", "b", "a", "p", "s2"]),
            (Softdeps::All, &["s1", "b", "a", "p", "s2"]),
        ] {
            assert_eq!(names(&modules.requires("a", softdeps).unwrap()), expected, "{softdeps:?}");
        }
    }

    #[test]
    fn what_cannot_be_loaded_is_named() {
        let modules =
            modules("a.ko: b.ko\nb.ko: c.ko\nc.ko: a.ko\nd.ko: x.ko\ne.ko: f.ko\nf.ko:\ng.ko: g.ko\n", "", "f.ko");
        for (name, words) in [
            ("a", "in a circle: a → b → c → a"),
            ("b", "in a circle: b → c → a → b"),
            ("g", "in a circle: g → g"),
            ("d", "the module d of m needs x, which is neither"),
            ("e", "the module e needs m/f.ko, which"),
            ("none", "m has no module none"),
        ] {
            let error = modules.requires(name, Softdeps::Without).unwrap_err();
            assert!(error.to_string().contains(words), "{error}, not {words}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn soft_dependencies_in_a_circle_end() {
        let modules = modules("a.ko:\nb.ko: a.ko\n", "softdep a pre: b post: a b\nsoftdep b post: a\n", "");
        assert_eq!(names(&modules.requires("a", Softdeps::All).unwrap()), ["a", "b"]);
        assert_eq!(names(&modules.requires("b", Softdeps::All).unwrap()), ["a", "b"]);
    }

    #[test]
    fn a_very_long_chain_is_no_deep_recursion() {
        let count = 50_000;
        let line = |at: u32| format!("k{at}.ko: k{}.ko\n", at + 1);
        let dependencies: String = (0..count).map(line).chain([format!("k{count}.ko:\n")]).collect();
        let softdeps: String = (0..count).map(|at| format!("softdep k{at} pre: k{}\n", at + 1)).collect();
        let modules = modules(&dependencies, "", "");
        assert_eq!(modules.requires("k0", Softdeps::All).unwrap().len(), 50_001);
        let flat: String = (0..=count).map(|at| format!("k{at}.ko:\n")).collect();
        let modules = self::modules(&flat, &softdeps, "");
        assert_eq!(modules.requires("k0", Softdeps::All).unwrap().len(), 50_001);
    }

    #[test]
    fn work_without_end_is_refused() {
        // Each soft dependency is looked for among many aliases that nearly match.
        let mut tree = FileTree::new();
        let name = "a".repeat(200);
        for (path, body) in [
            ("m/modules.dep", "x.ko:\n".to_owned()),
            ("m/modules.alias", format!("alias {}b y\n", "a*".repeat(100)).repeat(1000)),
            ("m/modules.softdep", format!("softdep x pre: {}\n", format!("{name} ").repeat(1000))),
            ("m/x.ko", String::new()),
        ] {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.into_bytes()));
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        let modules = Modules::read(&tree, "m").unwrap();
        let error = modules.requires("x", Softdeps::All).unwrap_err();
        assert!(matches!(error, RequireError::TooMuch { .. }), "{error}");
        assert_eq!(modules.requires("x", Softdeps::Without).unwrap().len(), 1);
    }
}
