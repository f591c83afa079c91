//! What the serial console said, as text: escape sequences out, UTF-8 in, a reading position.
//!
//! Bytes come one at a time from an emulated UART, so both the escape parser and the UTF-8 decoder keep their state
//! between pushes. Grammar: ECMA-48 section 5.4 (control sequences) and 5.6 (control strings).

/// Older text is dropped when the transcript passes this size; half of it is kept.
const CAPACITY_BYTES: usize = 4 << 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Parser {
    #[default]
    Ground,
    /// After ESC, also after intermediate bytes (`ESC ( B`).
    Escape,
    /// After `ESC [`, until a final byte 0x40..=0x7E.
    Control,
    /// Right after `ESC ]`. Linux consoles know `ESC ] R`, which has no terminator.
    OscStart,
    /// OSC, DCS, SOS, PM, APC: until BEL or ST. systemd marks commands with OSC 3008.
    String,
}

/// Turns console bytes into bytes of plain text.
#[derive(Debug)]
struct Stripper {
    parser: Parser,
    at_line_start: bool,
}

impl Stripper {
    fn push(&mut self, byte: u8, text: &mut Vec<u8>) {
        // A line feed ends any sequence, so that a broken one costs a line and not the rest of the boot.
        if byte == b'\n' {
            self.parser = Parser::Ground;
            return self.emit(byte, text);
        }
        // CAN and SUB abort, ESC begins anew (also as the first half of ST, `ESC \`, whose second half is then an
        // ordinary final byte).
        match byte {
            0x1b => return self.parser = Parser::Escape,
            0x18 | 0x1a => return self.parser = Parser::Ground,
            _ => {}
        }
        self.parser = match (self.parser, byte) {
            (Parser::Ground, b'\t' | 0x20..=0x7e | 0x80..) => {
                self.emit(byte, text);
                Parser::Ground
            }
            (Parser::Ground, _) => Parser::Ground,
            (Parser::Escape, b'[') => Parser::Control,
            (Parser::Escape, b']') => Parser::OscStart,
            (Parser::Escape, b'P' | b'X' | b'^' | b'_') => Parser::String,
            (Parser::Escape, 0x20..=0x2f) => Parser::Escape,
            (Parser::Escape, _) => Parser::Ground,
            (Parser::Control, b'H' | b'f') => {
                // Firmware and boot menus place lines with the cursor instead of ending them.
                if !self.at_line_start {
                    self.emit(b'\n', text);
                }
                Parser::Ground
            }
            (Parser::Control, 0x40..=0x7e) => Parser::Ground,
            (Parser::Control, _) => Parser::Control,
            (Parser::OscStart, b'R') | (Parser::OscStart | Parser::String, 0x07) => Parser::Ground,
            (Parser::OscStart | Parser::String, _) => Parser::String,
        };
    }

    fn emit(&mut self, byte: u8, text: &mut Vec<u8>) {
        self.at_line_start = byte == b'\n';
        text.push(byte);
    }
}

/// The console's text with two positions: what was consumed, and what was searched in vain.
#[derive(Debug)]
pub(crate) struct Transcript {
    stripper: Stripper,
    /// Bytes of a character that is not complete yet.
    partial: Vec<u8>,
    text: String,
    consumed: usize,
    searched: usize,
    /// Bytes that were dropped at the beginning.
    dropped: usize,
}

impl Transcript {
    pub(crate) fn new() -> Self {
        Self {
            stripper: Stripper { parser: Parser::Ground, at_line_start: true },
            partial: Vec::new(),
            text: String::new(),
            consumed: 0,
            searched: 0,
            dropped: 0,
        }
    }

    /// Where the unread text begins, counted from the first byte of all.
    pub(crate) fn position(&self) -> usize {
        self.dropped.saturating_add(self.consumed)
    }

    /// All text from a position on, read or not, as far as it was not dropped.
    pub(crate) fn since(&self, position: usize) -> &str {
        self.text.get(position.saturating_sub(self.dropped)..).unwrap_or_default()
    }

    /// Takes in bytes as the console sent them.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.stripper.push(byte, &mut self.partial);
        }
        let complete = complete_utf8(&self.partial);
        let rest = self.partial.split_off(complete);
        self.text.push_str(&String::from_utf8_lossy(&self.partial));
        self.partial = rest;
        self.forget_old_text();
    }

    /// Text nobody has consumed yet.
    pub(crate) fn unread(&self) -> &str {
        &self.text[self.consumed..]
    }

    /// How much of [`Self::unread`] was searched before, in bytes.
    pub(crate) fn searched(&self) -> usize {
        self.searched.saturating_sub(self.consumed)
    }

    /// Remembers that everything so far was searched in vain.
    pub(crate) fn mark_searched(&mut self) {
        self.searched = self.text.len();
    }

    /// Begins a new search: the unread text counts as not searched.
    pub(crate) fn restart_search(&mut self) {
        self.searched = self.consumed;
    }

    /// Moves on by `bytes` of the unread text; the caller gives a character boundary.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.consumed = self.consumed.saturating_add(bytes).min(self.text.len());
    }

    /// Moves on to the end.
    pub(crate) fn consume_all(&mut self) {
        self.consumed = self.text.len();
    }

    /// The last `count` lines that are not blank, consumed or not.
    pub(crate) fn last_lines(&self, count: usize) -> Vec<String> {
        let lines = self.text.lines().rev().map(str::trim_end).filter(|line| !line.is_empty());
        let mut lines: Vec<String> = lines.take(count).map(str::to_owned).collect();
        lines.reverse();
        lines
    }

    fn forget_old_text(&mut self) {
        if self.text.len() <= CAPACITY_BYTES {
            return;
        }
        let mut cut = self.text.len() - CAPACITY_BYTES / 2;
        while !self.text.is_char_boundary(cut) {
            cut += 1;
        }
        self.text.drain(..cut);
        self.dropped = self.dropped.saturating_add(cut);
        self.consumed = self.consumed.saturating_sub(cut);
        self.searched = self.searched.saturating_sub(cut);
    }
}

/// Length of the part of `bytes` that no later byte can change.
fn complete_utf8(bytes: &[u8]) -> usize {
    let mut from = 0;
    loop {
        match std::str::from_utf8(&bytes[from..]) {
            Ok(_) => return bytes.len(),
            Err(error) => match error.error_len() {
                Some(bad) => from += error.valid_up_to() + bad,
                None => return from + error.valid_up_to(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8]) -> String {
        let mut transcript = Transcript::new();
        transcript.push(bytes);
        transcript.unread().to_owned()
    }

    #[test]
    fn escape_sequences_leave_only_text() {
        for (bytes, text) in [
            (&b"plain\r\n"[..], "plain\n"),
            (b"\x1b[0;1;31mred\x1b[0m", "red"),
            (b"\x1b[?2004hroot@x:~# ", "root@x:~# "),
            (b"\x1b]3008;start=ab;user=root\x1b\\ls\x1b]3008;end=ab\x07!", "ls!"),
            (b"\x1b(Bascii\x1b>", "ascii"),
            (b"\x1bP+q544e\x1b\\dcs", "dcs"),
            (b"\x1b]Rpalette", "palette"),
            (b"one\x1b[07;01Htwo", "one\ntwo"),
            (b"\x1b[2J\x1b[01;01Hfirst", "first"),
            (b"broken \x1b]0;title\nnext", "broken \nnext"),
            (b"aborted \x1b[12\x18x", "aborted x"),
            ("gr\u{fc}n \u{2714}".as_bytes(), "gr\u{fc}n \u{2714}"),
            (b"bad \xff byte", "bad \u{fffd} byte"),
        ] {
            assert_eq!(text_of(bytes), text, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn one_byte_at_a_time_gives_the_same_text() {
        let bytes = "\x1b[1;31mgr\u{fc}n\x1b]3008;x\x1b\\ \u{2714}\r\nend".as_bytes();
        let mut transcript = Transcript::new();
        for byte in bytes.chunks(1) {
            transcript.push(byte);
        }
        assert_eq!(transcript.unread(), text_of(bytes));
        assert_eq!(transcript.unread(), "gr\u{fc}n \u{2714}\nend");
    }

    #[test]
    fn last_lines_skip_blank_ones_and_include_consumed_text() {
        let mut transcript = Transcript::new();
        transcript.push(b"a\n\nb\n \nc");
        transcript.consume_all();
        assert_eq!(transcript.last_lines(2), ["b", "c"]);
        assert_eq!(transcript.last_lines(9), ["a", "b", "c"]);
    }

    #[test]
    fn old_text_is_forgotten_and_positions_stay_in_range() {
        let mut transcript = Transcript::new();
        let line = "\u{fc}".repeat(1 << 19);
        for _ in 0..6 {
            transcript.push(line.as_bytes());
        }
        transcript.push(b"end");
        assert!(transcript.unread().len() <= CAPACITY_BYTES);
        assert!(transcript.unread().ends_with("end"));
    }
}
