//! The policy of an image.

use builder_tree::{FileTree, Node};

use crate::config;
use crate::error::SelinuxError;
use crate::label::{FileKind, Label};
use crate::lookup::{Index, IndexBuilder, Spec};
use crate::spec;
use crate::subs::Substitutions;

/// The longest file of a policy, in bytes; Fedora's `file_contexts` has 400 kB.
const FILE_LIMIT: u64 = 16 << 20;

/// The most specifications; Fedora has 7,200.
const SPEC_LIMIT: usize = 1 << 16;

/// The most bytes of patterns with their repetitions written out; Fedora has 250,000. It bounds the memory that
/// a policy can ask for.
const COST_LIMIT: u64 = 4 << 20;

/// Where a configuration may be, and the directory of policies beside it: `usr/etc` in a tree made for ostree.
const HOMES: [&str; 2] = ["etc/selinux", "usr/etc/selinux"];

/// The file contexts of a policy, ready for questions.
///
/// Answers are those of libselinux' `selabel_lookup_raw` for the text files. Its releases differ in corners, and this
/// is what is done there:
///
/// | case | here | libselinux |
/// | --- | --- | --- |
/// | two literal specifications of one path in one file | the last one | < 3.8 the last; since 3.8 the first. Policies with such are refused when built |
/// | literal specifications of one path in two files | the later file's | the later file's; 3.8 the earlier one's |
/// | two lines of `.subs` fit | the last one | the last; 3.8 the first |
/// | pattern with `\` before a letter or a rare sign | pattern | < 3.8 literal, when it comes to precedence |
/// | `<<none>>` deeper in the tree, an overlapping pattern later in the file | the later one | < 3.8 the same; since 3.8 `<<none>>` |
/// | quantifier on the slash after the second or third name, `/srv/data/?` | not tried for `/srv/data` | < 3.8 it is, but for the first name; since 3.8 not |
/// | name ending in a newline | literals do not match it | < 3.8 they do |
///
/// The compiled twins (`file_contexts.bin`) are not read: they are made from the text and say the same.
#[derive(Debug)]
pub struct Policy {
    name: Vec<u8>,
    /// What it was made from.
    texts: [Vec<u8>; 5],
    index: Index,
    local: Substitutions,
    distribution: Substitutions,
}

/// The files of a policy, as text; missing ones are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicyTexts<'a> {
    /// Path of `file_contexts`, which messages name; the others' begin with it.
    pub path: &'a [u8],
    /// `file_contexts`
    pub contexts: &'a [u8],
    /// `file_contexts.homedirs`
    pub homedirs: &'a [u8],
    /// `file_contexts.local`
    pub local: &'a [u8],
    /// `file_contexts.subs`
    pub subs: &'a [u8],
    /// `file_contexts.subs_dist`
    pub subs_dist: &'a [u8],
}

impl PolicyTexts<'_> {
    fn all(&self) -> [&[u8]; 5] {
        [self.contexts, self.homedirs, self.local, self.subs, self.subs_dist]
    }
}

impl Policy {
    /// The policy of the system in `tree`; `None` where SELinux is off in it, or unknown to it.
    ///
    /// `etc/selinux/config` is asked, or `usr/etc/selinux/config` where that is missing; the policy lies beside it.
    /// Symbolic links are followed inside the tree. The tree's bodies must be readable (flushed).
    ///
    /// # Errors
    /// SELinux is on and the policy is missing, cannot be read, or is malformed.
    pub fn find(tree: &FileTree) -> Result<Option<Self>, SelinuxError> {
        Self::find_with(tree, None)
    }

    /// The same, where a policy was made of some files before: if they are still those of the tree, `known` is it.
    ///
    /// # Errors
    /// As those of [`Policy::find`].
    pub fn find_with(tree: &FileTree, known: Option<Self>) -> Result<Option<Self>, SelinuxError> {
        for home in HOMES {
            let path = format!("{home}/config").into_bytes();
            let Some(text) = read(tree, &path)? else { continue };
            let Some(enabled) = config::parse(&text) else { return Ok(None) };
            let name = enabled.policy;
            if name.is_empty() || name.contains(&b'/') || name.contains(&0) || name == b"." || name == b".." {
                return Err(SelinuxError::PolicyName { config: path, name: name.to_vec() });
            }
            let contexts = [home.as_bytes(), b"/", name, b"/contexts/files/file_contexts"].concat();
            let Some(text) = read(tree, &contexts)? else {
                return Err(SelinuxError::MissingContexts { config: path, name: name.to_vec(), path: contexts });
            };
            let optional =
                |suffix: &str| Ok(read(tree, &[contexts.as_slice(), suffix.as_bytes()].concat())?.unwrap_or_default());
            let (homedirs, local) = (optional(".homedirs")?, optional(".local")?);
            let (subs, subs_dist) = (optional(".subs")?, optional(".subs_dist")?);
            let texts = PolicyTexts {
                path: &contexts,
                contexts: &text,
                homedirs: &homedirs,
                local: &local,
                subs: &subs,
                subs_dist: &subs_dist,
            };
            if let Some(known) = known.filter(|known| known.name == name && known.texts == texts.all()) {
                return Ok(Some(known));
            }
            return Self::parse(name, &texts).map(Some);
        }
        Ok(None)
    }

    /// The policy called `name` from its files.
    ///
    /// # Errors
    /// A line is malformed, a pattern cannot be used, or they are too many or too large.
    pub fn parse(name: &[u8], texts: &PolicyTexts<'_>) -> Result<Self, SelinuxError> {
        let mut builder = IndexBuilder::default();
        // For the message about a pattern that turns out bad when all are compiled: where each one stands.
        let mut origins: Vec<(usize, usize, &[u8])> = Vec::new();
        let files = [("", texts.contexts), (".homedirs", texts.homedirs), (".local", texts.local)]
            .map(|(suffix, text)| ([texts.path, suffix.as_bytes()].concat(), text));
        for (number, (file, text)) in files.iter().enumerate() {
            for spec in spec::lines(file, text) {
                let spec = spec?;
                if builder.len() >= SPEC_LIMIT {
                    return Err(SelinuxError::TooManySpecs { file: file.clone(), line: spec.line, limit: SPEC_LIMIT });
                }
                let label = spec.context.map(Label::from_context);
                builder.add(spec.pattern, Spec { kind: spec.kind, label }).map_err(|source| SelinuxError::Pattern {
                    file: file.clone(),
                    line: spec.line,
                    pattern: spec.pattern.to_vec(),
                    source,
                })?;
                if builder.cost() > COST_LIMIT {
                    return Err(SelinuxError::TooComplex { file: file.clone(), line: spec.line, limit: COST_LIMIT });
                }
                origins.push((number, spec.line, spec.pattern));
            }
        }
        let index = builder.build().map_err(|bad| {
            // One origin was noted for each specification that was added.
            let (file, line, pattern) = origins[bad.spec];
            SelinuxError::Pattern { file: files[file].0.clone(), line, pattern: pattern.to_vec(), source: bad.problem }
        })?;
        Ok(Self {
            name: name.to_vec(),
            texts: texts.all().map(<[u8]>::to_vec),
            index,
            local: Substitutions::parse(texts.subs),
            distribution: Substitutions::parse(texts.subs_dist),
        })
    }

    /// The policy's name, such as `targeted`.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The label of the file at the absolute `path`; `None` where the policy has none or says `<<none>>`.
    ///
    /// Double slashes and one at the end do not matter. Nothing is special about `/proc`, see
    /// [`Policy::label_in_image`].
    #[must_use]
    pub fn label(&self, path: &[u8], kind: FileKind) -> Option<&Label> {
        let clean = clean(path);
        let path = clean.as_deref().unwrap_or(path);
        let replaced = match self.local.apply(path) {
            // The distribution's replacements apply to what the local ones made.
            Some(local) => Some(self.distribution.apply(&local).unwrap_or(local)),
            None => self.distribution.apply(path),
        };
        let path = replaced.as_deref().unwrap_or(path);
        self.index.find(path, kind)?.label.as_ref()
    }

    /// The label that an image's file at the absolute `path` gets when the image is committed: as [`Policy::label`],
    /// but `/proc` is labelled as `/mnt` is, because policies have `<<none>>` for it and the empty directory of the
    /// image needs a label (libostree does the same).
    #[must_use]
    pub fn label_in_image(&self, path: &[u8], kind: FileKind) -> Option<&Label> {
        self.label(if path == b"/proc" { b"/mnt" } else { path }, kind)
    }
}

/// The path without double and trailing slashes, where it has such.
fn clean(path: &[u8]) -> Option<Vec<u8>> {
    let double = path.windows(2).any(|two| two == b"//");
    let trailing = path.len() > 1 && path.ends_with(b"/");
    if !double && !trailing {
        return None;
    }
    let mut clean = path.to_vec();
    clean.dedup_by(|next, last| *next == b'/' && *last == b'/');
    if clean.len() > 1 && clean.ends_with(b"/") {
        clean.pop();
    }
    Some(clean)
}

/// The file at `path`, symbolic links followed; `None` where nothing is.
fn read(tree: &FileTree, path: &[u8]) -> Result<Option<Vec<u8>>, SelinuxError> {
    let node = tree.resolve(path).map_err(|source| SelinuxError::Resolve { path: path.to_vec(), source })?;
    let Some(node) = node else { return Ok(None) };
    let Some(content) = node.as_leaf().and_then(|inode| inode.content()) else {
        return Err(SelinuxError::NotAFile { path: path.to_vec(), kind: Node::kind_name(node) });
    };
    if content.size() > FILE_LIMIT {
        return Err(SelinuxError::TooLarge { path: path.to_vec(), size: content.size(), limit: FILE_LIMIT });
    }
    content.read_to_vec(FILE_LIMIT).map(Some).map_err(|source| SelinuxError::Read { path: path.to_vec(), source })
}
