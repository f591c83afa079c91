//! Which specification a path belongs to.

use std::collections::HashMap;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::error::PatternProblem;
use crate::label::{FileKind, Label};
use crate::{literal, pattern};

/// Patterns that are compiled into one automaton at most.
const SET_LIMIT: usize = 256;

/// Bytes that one compiled pattern, or one set of them, may take.
const COMPILED_LIMIT: usize = 8 << 20;

/// Bytes of states that one automaton keeps; when they are full it begins anew.
const STATES_LIMIT: usize = 8 << 20;

/// What a specification says, without its pattern.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// The type it is about; `None` for all.
    pub(crate) kind: Option<FileKind>,
    /// Its label; `None` for `<<none>>`.
    pub(crate) label: Option<Label>,
}

/// All specifications in order, as an index in which paths are looked up.
///
/// Literal paths are in a table. Patterns hang in a tree of their first literal names, so that a path is held against
/// those of the directories above it only, one automaton pass for each.
#[derive(Debug)]
pub(crate) struct Index {
    specs: Vec<Spec>,
    literals: HashMap<Vec<u8>, Vec<usize>>,
    root: Branch,
}

#[derive(Debug, Default)]
struct Branch {
    below: HashMap<Vec<u8>, Branch>,
    sets: Vec<Set>,
}

/// Patterns in one automaton, with the numbers of their specifications, ascending.
#[derive(Debug)]
struct Set {
    matcher: Matcher,
    specs: Vec<usize>,
}

#[derive(Debug)]
enum Matcher {
    One(Regex),
    Many(RegexSet),
}

/// A pattern that does not compile.
#[derive(Debug)]
pub(crate) struct BadPattern {
    /// The specification's number, in the order they were added.
    pub(crate) spec: usize,
    /// Why.
    pub(crate) problem: PatternProblem,
}

/// Collects the specifications, in order.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    specs: Vec<Spec>,
    literals: HashMap<Vec<u8>, Vec<usize>>,
    patterns: HashMap<Vec<Vec<u8>>, Vec<(usize, String)>>,
    cost: u64,
}

impl IndexBuilder {
    /// Appends a specification; later ones go before earlier ones.
    pub(crate) fn add(&mut self, pattern: &[u8], spec: Spec) -> Result<(), PatternProblem> {
        let number = self.specs.len();
        match literal::literal(pattern) {
            Some(path) => self.literals.entry(path).or_default().push(number),
            None => {
                let translated = pattern::translate(pattern)?;
                self.cost = self.cost.saturating_add(translated.cost);
                self.patterns.entry(literal::stems(pattern)).or_default().push((number, translated.regex));
            }
        }
        self.specs.push(spec);
        Ok(())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.specs.len()
    }

    /// How large the patterns are with their repetitions written out, in bytes; their automata need some tens of
    /// bytes for each.
    pub(crate) fn cost(&self) -> u64 {
        self.cost
    }

    /// Compiles the patterns.
    pub(crate) fn build(self) -> Result<Index, BadPattern> {
        let mut root = Branch::default();
        // Sorted, so that of several bad patterns always the same one is reported.
        let mut patterns: Vec<_> = self.patterns.into_iter().collect();
        patterns.sort_unstable();
        let parts: Vec<_> = patterns
            .iter()
            .flat_map(|(stems, patterns)| patterns.chunks(SET_LIMIT).map(move |chunk| (stems.as_slice(), chunk)))
            .collect();
        for (compiled, (stems, _)) in compile_all(&parts).into_iter().zip(&parts) {
            let branch = stems.iter().fold(&mut root, |branch, stem| branch.below.entry(stem.clone()).or_default());
            branch.sets.extend(compiled?);
        }
        Ok(Index { specs: self.specs, literals: self.literals, root })
    }
}

/// Patterns of one branch, whose names come first.
type Part<'p> = (&'p [Vec<u8>], &'p [(usize, String)]);

/// Compiles each part into its sets. The work is shared by two threads: whoever reads the layers waits for the policy.
fn compile_all(parts: &[Part<'_>]) -> Vec<Result<Vec<Set>, BadPattern>> {
    let one = |(_, patterns): &Part<'_>| {
        let mut sets = Vec::new();
        compile(patterns, &mut sets).map(|()| sets)
    };
    let length = |part: &Part<'_>| part.1.iter().map(|(_, pattern)| pattern.len()).sum::<usize>();
    let half = parts.iter().map(length).sum::<usize>() / 2;
    let mut sum = 0;
    let middle = parts.iter().take_while(|part| {
        sum += length(part);
        sum <= half
    });
    let (first, second) = parts.split_at(middle.count());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| first.iter().map(one).collect::<Vec<_>>());
        let second: Vec<_> = second.iter().map(one).collect();
        // A panic there is a defect, and goes on here.
        let mut all = first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        all.extend(second);
        all
    })
}

/// Compiles patterns into one set, or into several where they are too large together.
fn compile(patterns: &[(usize, String)], sets: &mut Vec<Set>) -> Result<(), BadPattern> {
    let matcher = match patterns {
        [] => return Ok(()),
        [(spec, pattern)] => RegexBuilder::new(pattern)
            .unicode(false)
            .dot_matches_new_line(true)
            .size_limit(COMPILED_LIMIT)
            .dfa_size_limit(STATES_LIMIT)
            .build()
            .map(Matcher::One)
            .map_err(|error| BadPattern { spec: *spec, problem: PatternProblem::Regex(Box::new(error)) })?,
        _ => {
            let set = RegexSetBuilder::new(patterns.iter().map(|(_, pattern)| pattern))
                .unicode(false)
                .dot_matches_new_line(true)
                .size_limit(COMPILED_LIMIT)
                .dfa_size_limit(STATES_LIMIT)
                .build();
            match set {
                Ok(set) => Matcher::Many(set),
                // Halving ends at the one pattern that is to blame, or where the parts are small enough.
                Err(_) => {
                    let (first, second) = patterns.split_at(patterns.len() / 2);
                    compile(first, sets)?;
                    return compile(second, sets);
                }
            }
        }
    };
    sets.push(Set { matcher, specs: patterns.iter().map(|&(spec, _)| spec).collect() });
    Ok(())
}

impl Index {
    /// What the specification for a path says; `path` is absolute, without double or trailing slashes.
    ///
    /// Literal paths go first, then patterns; among each the last specification does.
    pub(crate) fn find(&self, path: &[u8], kind: FileKind) -> Option<&Spec> {
        let fits = |spec: &usize| self.specs[*spec].kind.is_none_or(|wanted| wanted == kind);
        if let Some(&spec) = self.literals.get(path).and_then(|specs| specs.iter().rfind(|spec| fits(spec))) {
            return Some(&self.specs[spec]);
        }
        let mut best = None;
        let mut branch = Some(&self.root);
        // The names before the last: only of directories above the path there are branches to look into.
        let mut names = path.strip_prefix(b"/").unwrap_or_default().split(|&byte| byte == b'/').peekable();
        while let Some(here) = branch {
            // A set's numbers ascend, and so do the sets.
            for set in here.sets.iter().rev() {
                let newest = set.specs.last().copied();
                if newest < best {
                    break;
                }
                best = best.max(set.last_match(path, fits));
            }
            let name = names.next();
            branch = name.filter(|_| names.peek().is_some()).and_then(|name| here.below.get(name));
        }
        best.map(|spec| &self.specs[spec])
    }
}

impl Set {
    /// The last specification that matches and fits.
    fn last_match(&self, path: &[u8], fits: impl Fn(&usize) -> bool) -> Option<usize> {
        match &self.matcher {
            Matcher::One(regex) => {
                self.specs.first().copied().filter(|spec| fits(spec)).filter(|_| regex.is_match(path))
            }
            Matcher::Many(set) => {
                set.matches(path).iter().rev().filter_map(|at| self.specs.get(at).copied()).find(|spec| fits(spec))
            }
        }
    }
}
