//! Extended regular expressions of POSIX, for the command `regexp`.
//!
//! All ways to match are followed at the same time, so the work is the length of the text times that of the pattern.
//! The match begins as far left as possible and is as long as possible; groups are as greedy as the pattern writes
//! them.

/// Bytes of a pattern.
const PATTERN_BYTES: usize = 1024;
/// Groups inside each other.
const NESTING: usize = 32;
/// Steps of a compiled pattern.
const STEPS: usize = 4096;
/// Repetitions in braces, as POSIX wants at least.
const REPETITIONS: usize = 255;

/// Where the whole match and each group lie in the text, in bytes.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

#[derive(Clone, Debug)]
enum Step {
    Character(char),
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// Goes on at both; the first is the one that is wanted.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Start,
    End,
    Match,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    steps: Vec<Step>,
    groups: usize,
}

impl Pattern {
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > PATTERN_BYTES {
            return Err(format!("a pattern of {} bytes, and {PATTERN_BYTES} are tried", pattern.len()));
        }
        let mut compiler =
            Compiler { pattern: pattern.chars().collect(), at: 0, steps: vec![Step::Save(0)], groups: 1, depth: 0 };
        compiler.alternatives()?;
        // A `)` without its `(` stands for itself, so the whole pattern is used up.
        compiler.push(Step::Save(1))?;
        compiler.push(Step::Match)?;
        Ok(Self { steps: compiler.steps, groups: compiler.groups })
    }

    /// The work that looking into a text takes.
    pub(crate) fn work(&self, text: &str) -> u64 {
        let states = (self.steps.len() as u64).saturating_mul(self.groups as u64);
        states.saturating_mul(text.len() as u64 + 1)
    }

    pub(crate) fn find(&self, text: &str) -> Option<Groups> {
        let mut best: Option<Vec<Option<usize>>> = None;
        let mut threads = Threads::new(self.steps.len());
        let mut next = Threads::new(self.steps.len());
        let mut characters = text.char_indices();
        loop {
            let here = characters.next();
            let offset = here.map_or(text.len(), |(offset, _)| offset);
            if best.is_none() {
                self.follow(&mut threads, 0, vec![None; self.groups * 2], offset, text.len());
            }
            let mut matched = false;
            for (step, saved) in threads.list.drain(..) {
                let fits = match (&self.steps[step], here) {
                    (Step::Match, _) => {
                        // Farther left is better, then longer, which comes later; at the same place the first is the
                        // greediest.
                        let start = best.as_ref().and_then(|best| best[0]);
                        if !matched && start.is_none_or(|start| saved[0].is_some_and(|here| here <= start)) {
                            matched = true;
                            best = Some(saved);
                        }
                        continue;
                    }
                    (Step::Character(wanted), Some((_, character))) => *wanted == character,
                    (Step::Any, Some(_)) => true,
                    (Step::Class { negated, ranges }, Some((_, character))) => {
                        ranges.iter().any(|&(low, high)| (low..=high).contains(&character)) != *negated
                    }
                    _ => false,
                };
                if let (true, Some((offset, character))) = (fits, here) {
                    self.follow(&mut next, step + 1, saved, offset + character.len_utf8(), text.len());
                }
            }
            threads.seen.fill(false);
            std::mem::swap(&mut threads, &mut next);
            if here.is_none() || (threads.list.is_empty() && best.is_some()) {
                break;
            }
        }
        best.map(|saved| saved.chunks_exact(2).map(|pair| Some((pair[0]?, pair[1]?))).collect())
    }

    /// Adds what can be reached from a step without taking a character.
    fn follow(&self, threads: &mut Threads, step: usize, saved: Vec<Option<usize>>, offset: usize, end: usize) {
        let mut waiting = vec![(step, saved)];
        while let Some((step, mut saved)) = waiting.pop() {
            if std::mem::replace(&mut threads.seen[step], true) {
                continue;
            }
            match self.steps[step] {
                Step::Split(first, second) => {
                    waiting.push((second, saved.clone()));
                    waiting.push((first, saved));
                }
                Step::Jump(to) => waiting.push((to, saved)),
                Step::Save(slot) => {
                    saved[slot] = Some(offset);
                    waiting.push((step + 1, saved));
                }
                Step::Start if offset == 0 => waiting.push((step + 1, saved)),
                Step::End if offset == end => waiting.push((step + 1, saved)),
                Step::Start | Step::End => {}
                _ => threads.list.push((step, saved)),
            }
        }
    }
}

/// Steps that wait for a character, with what they have saved; the more wanted first.
struct Threads {
    list: Vec<(usize, Vec<Option<usize>>)>,
    seen: Vec<bool>,
}

impl Threads {
    fn new(steps: usize) -> Self {
        Self { list: Vec::new(), seen: vec![false; steps] }
    }
}

struct Compiler {
    pattern: Vec<char>,
    at: usize,
    steps: Vec<Step>,
    groups: usize,
    depth: usize,
}

impl Compiler {
    fn push(&mut self, step: Step) -> Result<(), String> {
        if self.steps.len() >= STEPS {
            return Err(format!("a pattern of more than {STEPS} steps"));
        }
        self.steps.push(step);
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.pattern.get(self.at).copied()
    }

    fn alternatives(&mut self) -> Result<(), String> {
        let mut ends = Vec::new();
        loop {
            let begin = self.steps.len();
            self.branch()?;
            if self.peek() != Some('|') {
                break;
            }
            self.at += 1;
            self.insert(begin, Step::Split(begin + 1, 0))?;
            ends.push(self.steps.len());
            self.push(Step::Jump(0))?;
            self.steps[begin] = Step::Split(begin + 1, self.steps.len());
        }
        let end = self.steps.len();
        for jump in ends {
            self.steps[jump] = Step::Jump(end);
        }
        Ok(())
    }

    /// Puts a step before those from `at` on; what they point to moves with them.
    fn insert(&mut self, at: usize, step: Step) -> Result<(), String> {
        self.push(Step::Match)?;
        self.steps.pop();
        for moved in &mut self.steps[at..] {
            match moved {
                Step::Split(first, second) => {
                    *first += usize::from(*first >= at);
                    *second += usize::from(*second >= at);
                }
                Step::Jump(to) => *to += usize::from(*to >= at),
                _ => {}
            }
        }
        self.steps.insert(at, step);
        Ok(())
    }

    fn branch(&mut self) -> Result<(), String> {
        while let Some(character) = self.peek() {
            if character == '|' || (character == ')' && self.depth > 0) {
                break;
            }
            let begin = self.steps.len();
            self.atom()?;
            while let Some(repetition) = self.peek().filter(|next| matches!(next, '*' | '+' | '?' | '{')) {
                self.at += 1;
                match repetition {
                    '*' => self.repeat(begin, 0, None)?,
                    '+' => self.repeat(begin, 1, None)?,
                    '?' => self.repeat(begin, 0, Some(1))?,
                    _ => {
                        let (least, most) = self.braces()?;
                        self.repeat(begin, least, most)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn atom(&mut self) -> Result<(), String> {
        let Some(character) = self.peek() else { return Ok(()) };
        self.at += 1;
        match character {
            '(' => {
                self.depth += 1;
                if self.depth > NESTING {
                    return Err(format!("more than {NESTING} groups inside each other"));
                }
                let group = self.groups;
                self.groups += 1;
                self.push(Step::Save(group * 2))?;
                self.alternatives()?;
                if self.peek() != Some(')') {
                    return Err("a `(` without its `)`".to_owned());
                }
                self.at += 1;
                self.depth -= 1;
                self.push(Step::Save(group * 2 + 1))
            }
            '[' => self.class(),
            '.' => self.push(Step::Any),
            '^' => self.push(Step::Start),
            '$' => self.push(Step::End),
            '*' | '+' | '?' | '{' => Err(format!("`{character}` with nothing to repeat")),
            '\\' => {
                let Some(escaped) = self.peek() else { return Err("a `\\` at the end".to_owned()) };
                self.at += 1;
                self.push(Step::Character(escaped))
            }
            other => self.push(Step::Character(other)),
        }
    }

    fn braces(&mut self) -> Result<(usize, Option<usize>), String> {
        let wrong = || "braces without one or two numbers".to_owned();
        let length = self.pattern[self.at..].iter().position(|&one| one == '}').ok_or_else(wrong)?;
        let inside: String = self.pattern[self.at..self.at + length].iter().collect();
        self.at += length + 1;
        let number = |text: &str| text.parse().ok().filter(|&number| number <= REPETITIONS).ok_or_else(wrong);
        Ok(match inside.split_once(',') {
            None => (number(&inside)?, Some(number(&inside)?)),
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        })
    }

    /// Repeats the steps from `begin` on.
    fn repeat(&mut self, begin: usize, least: usize, most: Option<usize>) -> Result<(), String> {
        let once: Vec<Step> = self.steps.drain(begin..).collect();
        let copy = |compiler: &mut Self| {
            let moved = compiler.steps.len();
            once.iter().cloned().try_for_each(|step| {
                compiler.push(match step {
                    Step::Split(first, second) => Step::Split(first - begin + moved, second - begin + moved),
                    Step::Jump(to) => Step::Jump(to - begin + moved),
                    other => other,
                })
            })
        };
        for _ in 0..least {
            copy(self)?;
        }
        match most {
            None => {
                let split = self.steps.len();
                self.push(Step::Match)?;
                copy(self)?;
                self.push(Step::Jump(split))?;
                self.steps[split] = Step::Split(split + 1, self.steps.len());
            }
            Some(most) => {
                let mut splits = Vec::new();
                for _ in least..most {
                    splits.push(self.steps.len());
                    self.push(Step::Match)?;
                    copy(self)?;
                }
                let end = self.steps.len();
                for split in splits {
                    self.steps[split] = Step::Split(split + 1, end);
                }
            }
        }
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        let negated = self.peek() == Some('^');
        self.at += usize::from(negated);
        let mut ranges = Vec::new();
        let first = self.at;
        loop {
            let character = self.peek().ok_or("a `[` without its `]`")?;
            self.at += 1;
            if character == ']' && self.at > first + 1 {
                break;
            }
            if character == '[' && self.peek() == Some(':') {
                let rest = &self.pattern[self.at + 1..];
                let length = rest.windows(2).position(|two| *two == [':', ']']).ok_or("a `[:` without its `:]`")?;
                let name: String = rest[..length].iter().collect();
                ranges.extend_from_slice(named_class(&name).ok_or_else(|| format!("no class is called `{name}`"))?);
                self.at += length + 3;
                continue;
            }
            let high = match self.pattern.get(self.at..self.at + 2) {
                Some(&['-', high]) if high != ']' => {
                    self.at += 2;
                    high
                }
                _ => character,
            };
            ranges.push((character, high));
        }
        self.push(Step::Class { negated, ranges })
    }
}

fn named_class(name: &str) -> Option<&'static [(char, char)]> {
    Some(match name {
        "alpha" => &[('a', 'z'), ('A', 'Z')],
        "digit" => &[('0', '9')],
        "alnum" => &[('a', 'z'), ('A', 'Z'), ('0', '9')],
        "upper" => &[('A', 'Z')],
        "lower" => &[('a', 'z')],
        "space" => &[(' ', ' '), ('\t', '\r')],
        "blank" => &[(' ', ' '), ('\t', '\t')],
        "xdigit" => &[('0', '9'), ('a', 'f'), ('A', 'F')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "print" => &[(' ', '~')],
        "graph" => &[('!', '~')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_find_the_leftmost_longest_match() {
        for (pattern, text, expected) in [
            ("b+", "abbbc", Some(vec![Some("bbb")])),
            ("a|ab|abc", "xabcd", Some(vec![Some("abc")])),
            ("(a*)(b?)c", "aabc", Some(vec![Some("aabc"), Some("aa"), Some("b")])),
            ("(a)|(b)", "b", Some(vec![Some("b"), None, Some("b")])),
            ("^$", "", Some(vec![Some("")])),
            ("^b", "ab", None),
            ("[[:digit:]]{2,3}", "a1234", Some(vec![Some("123")])),
            ("x{2}", "xx", Some(vec![Some("xx")])),
            ("x{2,}", "axxxb", Some(vec![Some("xxx")])),
            ("[^]x]+", "]]ab", Some(vec![Some("ab")])),
            ("[a-]+", "b-a-", Some(vec![Some("-a-")])),
            ("\\.[.]", "a..", Some(vec![Some("..")])),
            ("(a|b)*c", "ababc", Some(vec![Some("ababc"), Some("b")])),
            ("a)", "a)", Some(vec![Some("a)")])),
            ("(x)*é", "é", Some(vec![Some("é"), None])),
            (
                " ostree=/ostree/boot[.][01]/([^/ ]+)/([0-9a-f]+)/[0-9]+( |$)",
                " rw ostree=/ostree/boot.1/default/0a1b/0",
                Some(vec![Some(" ostree=/ostree/boot.1/default/0a1b/0"), Some("default"), Some("0a1b"), Some("")]),
            ),
        ] {
            let found = Pattern::new(pattern).unwrap().find(text);
            let found = found.map(|groups| {
                groups.into_iter().map(|group| group.map(|(start, end)| &text[start..end])).collect::<Vec<_>>()
            });
            assert_eq!(found, expected, "{pattern} {text}");
        }
        for pattern in ["(", "a(b", "*a", "[a", "a{b}", "a{999}", "\\", "[[:nosuch:]]", "a{255}{255}", &"(".repeat(99)]
        {
            Pattern::new(pattern).unwrap_err();
        }
        let text = "a".repeat(2000);
        assert!(Pattern::new("(a*)*(a*)*b").unwrap().find(&text).is_none());
    }
}
