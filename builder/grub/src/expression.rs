//! `test` and `[` (GRUB, `grub-core/commands/test.c`).

use crate::Kind;
use crate::number::{signed, unsigned};

/// Parentheses inside each other, as many as GRUB allows.
const NESTING: usize = 100;

/// Whether the expression holds. `look` says what is at a path.
pub(crate) fn holds(arguments: &[String], look: &mut dyn FnMut(&str) -> Option<Kind>) -> bool {
    let arguments = match arguments {
        [rest @ .., last] if last == "]" => rest,
        all => all,
    };
    let mut expression = Expression { arguments, at: 0, depth: 0, look };
    expression.parse()
}

struct Expression<'a> {
    arguments: &'a [String],
    at: usize,
    depth: usize,
    look: &'a mut dyn FnMut(&str) -> Option<Kind>,
}

/// GRUB reads from left to right: `-a` may be left out, and `-o` puts away what held so far.
struct State {
    invert: bool,
    any: bool,
    all: bool,
}

impl State {
    fn update(&mut self, value: bool) {
        self.all = self.all && value != self.invert;
        self.invert = false;
    }

    fn result(&self) -> bool {
        self.any || self.all
    }
}

impl Expression<'_> {
    fn parse(&mut self) -> bool {
        let mut state = State { invert: false, any: false, all: true };
        while let Some(word) = self.arguments.get(self.at) {
            let (second, third) = (self.arguments.get(self.at + 1), self.arguments.get(self.at + 2));
            if let (Some(operator), Some(right)) = (second, third)
                && let Some(value) = compare(word, operator, right)
            {
                state.update(value);
                self.at += 3;
                continue;
            }
            if let Some(operand) = second
                && let Some(value) = self.unary(word, operand)
            {
                state.update(value);
                self.at += 2;
                continue;
            }
            self.at += 1;
            match word.as_str() {
                ")" => {
                    self.depth = self.depth.saturating_sub(1);
                    return state.result();
                }
                "(" => {
                    self.depth += 1;
                    if self.depth > NESTING {
                        return state.result();
                    }
                    let value = self.parse();
                    state.update(value);
                }
                "!" => state.invert = !state.invert,
                "-a" => {}
                "-o" => {
                    state.any = state.result();
                    state.all = true;
                }
                other => state.update(!other.is_empty()),
            }
        }
        state.result()
    }

    fn unary(&mut self, operator: &str, operand: &str) -> Option<bool> {
        Some(match operator {
            "-d" => (self.look)(operand) == Some(Kind::Directory),
            "-e" => (self.look)(operand).is_some(),
            "-f" => matches!((self.look)(operand), Some(Kind::File(_))),
            "-s" => matches!((self.look)(operand), Some(Kind::File(1..))),
            "-n" => !operand.is_empty(),
            "-z" => operand.is_empty(),
            _ => return None,
        })
    }
}

fn compare(left: &str, operator: &str, right: &str) -> Option<bool> {
    Some(match operator {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        ">=" => left >= right,
        "-eq" => signed(left) == signed(right),
        "-ne" => signed(left) != signed(right),
        "-lt" => signed(left) < signed(right),
        "-le" => signed(left) <= signed(right),
        "-gt" => signed(left) > signed(right),
        "-ge" => signed(left) >= signed(right),
        "-pgt" => with_prefix(left, right, |left, right| left > right),
        "-plt" => with_prefix(left, right, |left, right| left < right),
        // A machine without clocks has no newer files.
        _ if operator.starts_with("-nt") || operator.starts_with("-ot") => false,
        _ => return None,
    })
}

/// Compares the numbers behind a common prefix: `vmlinuz-2 -plt vmlinuz-11`.
fn with_prefix(left: &str, right: &str, compare: fn(u64, u64) -> bool) -> bool {
    let mut common = 0;
    for (one, two) in left.chars().zip(right.chars()) {
        if one != two {
            break;
        }
        common += one.len_utf8();
    }
    let start = left[..common].trim_end_matches(|character: char| character.is_ascii_digit()).len();
    compare(unsigned(&left[start..]).value, unsigned(&right[start..]).value)
}

#[cfg(test)]
mod tests {
    use crate::Kind;

    #[test]
    fn expressions_hold_as_in_grub() {
        let mut look = |path: &str| match path {
            "/d" => Some(Kind::Directory),
            "/f" => Some(Kind::File(1)),
            "/empty" => Some(Kind::File(0)),
            _ => None,
        };
        for (expression, expected) in [
            ("a = a ]", true),
            ("a == b", false),
            ("a != b", true),
            ("a < b", true),
            ("b >= b", true),
            ("-d /d", true),
            ("-d /f", false),
            ("-f /f -a -e /d", true),
            ("-f /f -e /nosuch", false),
            ("-s /empty", false),
            ("-s /f", true),
            ("-s /d", false),
            ("! -f /nosuch", true),
            ("-n x -a -z x", false),
            ("-z x -o -n x", true),
            ("( a = b -o c = c ) -a d = d", true),
            ("! ( a = b -o c = c )", false),
            ("10 -gt 9", true),
            ("-1 -lt 0", true),
            ("0x10 -eq 16", true),
            ("vmlinuz-2 -plt vmlinuz-11", true),
            ("vmlinuz-12 -pgt vmlinuz-11", true),
            ("x", true),
            ("]", true),
            ("", false),
            ("-o x", true),
            ("/f -nt /d", false),
        ] {
            let words: Vec<String> = expression.split(' ').map(str::to_owned).collect();
            // The only way to an empty argument list is an empty one; `[ ]` holds, as nothing speaks against it.
            assert_eq!(super::holds(&words, &mut look), expected, "{expression}");
        }
        let pairs: Vec<String> = "()".repeat(500).chars().map(String::from).collect();
        assert!(super::holds(&pairs, &mut look));
        super::holds(&vec!["(".to_owned(); 100_000], &mut look);
    }
}
