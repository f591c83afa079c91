//! From tokens to commands (GRUB, `grub-core/script/parser.y`).
//!
//! GRUB reads as many lines as a command needs, runs it, and reads on. So a mistake costs the lines that were read for
//! it and no more, and what stands before it has been done.

use std::rc::Rc;

use crate::lexer::{Lexer, Token};
use crate::limits::NESTING;
use crate::lines::{HashLines, Lines};
use crate::syntax::{Action, Body, Command, Part, SyntaxError, Word};

/// The commands of the next lines that belong together; `None` at the end.
pub(crate) fn next_unit(lines: &mut Lines<'_>) -> Option<Result<Vec<Command>, SyntaxError>> {
    let mut lexer = Lexer::new(lines);
    if !lexer.more() {
        return None;
    }
    Some(Parser { lexer, ahead: None, inside: 0 }.unit())
}

/// Checks a whole text, as `grub-script-check` does.
///
/// # Errors
/// The first mistake.
pub fn check(text: &str) -> Result<(), SyntaxError> {
    let mut lines = Lines::new(text, HashLines::Kept);
    while let Some(unit) = next_unit(&mut lines) {
        unit?;
    }
    Ok(())
}

struct Parser<'l, 't> {
    lexer: Lexer<'l, 't>,
    ahead: Option<(Token, usize)>,
    /// How many things are open, so that lines are missing.
    inside: usize,
}

impl Parser<'_, '_> {
    fn peek(&mut self) -> Result<&Token, SyntaxError> {
        if self.ahead.is_none() {
            self.ahead = Some(self.lexer.token(self.inside > 0)?);
        }
        Ok(self.ahead.as_ref().map_or(&Token::End, |(token, _)| token))
    }

    fn take(&mut self) -> Result<(Token, usize), SyntaxError> {
        match self.ahead.take() {
            Some(token) => Ok(token),
            None => self.lexer.token(self.inside > 0),
        }
    }

    fn unexpected<T>(&mut self, wanted: &str) -> Result<T, SyntaxError> {
        let (token, line) = self.take()?;
        let found = match token {
            Token::Newline => "the end of the line".to_owned(),
            Token::Semicolon => "`;`".to_owned(),
            Token::Open => "`{`".to_owned(),
            Token::Close => "`}`".to_owned(),
            Token::Operator(text) | Token::Reserved(text) => format!("`{text}`"),
            Token::Name(name) => format!("`{name}`"),
            Token::Word(_) => "a word".to_owned(),
            Token::End => "the end".to_owned(),
        };
        Err(SyntaxError { line, reason: format!("{found} where {wanted} should be") })
    }

    fn enter(&mut self) -> Result<(), SyntaxError> {
        self.inside += 1;
        if self.inside > NESTING {
            return self.lexer.error(format!("more than {NESTING} commands inside each other"));
        }
        Ok(())
    }

    fn newlines(&mut self) -> Result<(), SyntaxError> {
        while *self.peek()? == Token::Newline {
            self.take()?;
        }
        Ok(())
    }

    /// One delimiter and any number of line ends behind it; false where there is none.
    fn delimiters(&mut self) -> Result<bool, SyntaxError> {
        if !matches!(self.peek()?, Token::Semicolon | Token::Newline) {
            return Ok(false);
        }
        self.take()?;
        self.newlines()?;
        Ok(true)
    }

    fn expect_delimiters(&mut self) -> Result<(), SyntaxError> {
        if self.delimiters()? { Ok(()) } else { self.unexpected("`;` or the end of the line") }
    }

    fn expect_reserved(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        if *self.peek()? != Token::Reserved(word) {
            return self.unexpected(&format!("`{word}`"));
        }
        self.take()?;
        Ok(())
    }

    fn name(&mut self, of: &str) -> Result<String, SyntaxError> {
        if !matches!(self.peek()?, Token::Name(_)) {
            return self.unexpected(&format!("the name of {of}"));
        }
        match self.take()? {
            (Token::Name(name), _) => Ok(name),
            _ => self.unexpected("a name"),
        }
    }

    fn unit(mut self) -> Result<Vec<Command>, SyntaxError> {
        let mut commands = Vec::new();
        self.newlines()?;
        while *self.peek()? != Token::End {
            let command = match self.peek()? {
                Token::Reserved("function") => self.function()?,
                _ => self.command()?,
            };
            commands.push(command);
            self.expect_delimiters()?;
        }
        Ok(commands)
    }

    /// Commands up to something that cannot begin one; at least one. True when a delimiter stands behind the last.
    fn commands(&mut self) -> Result<(Body, bool), SyntaxError> {
        self.newlines()?;
        let mut commands = vec![self.command()?];
        loop {
            if !self.delimiters()? {
                return Ok((Rc::new(commands), false));
            }
            match self.peek()? {
                Token::Name(_) | Token::Word(_) | Token::Reserved("if" | "for" | "while" | "until") => {
                    commands.push(self.command()?);
                }
                _ => return Ok((Rc::new(commands), true)),
            }
        }
    }

    fn delimited_commands(&mut self) -> Result<Body, SyntaxError> {
        match self.commands()? {
            (commands, true) => Ok(commands),
            (_, false) => self.unexpected("`;` or the end of the line"),
        }
    }

    fn command(&mut self) -> Result<Command, SyntaxError> {
        match self.peek()? {
            Token::Name(_) | Token::Word(_) => self.simple(),
            Token::Reserved("if") => self.condition(),
            Token::Reserved("for") => self.iteration(),
            Token::Reserved("while") => self.repetition(false),
            Token::Reserved("until") => self.repetition(true),
            _ => self.unexpected("a command"),
        }
    }

    fn words(&mut self) -> Result<Vec<Word>, SyntaxError> {
        let mut words = Vec::new();
        while matches!(self.peek()?, Token::Name(_) | Token::Word(_) | Token::Reserved(_)) {
            words.push(match self.take()?.0 {
                Token::Word(word) => word,
                Token::Name(name) => vec![Part::Plain(name)],
                Token::Reserved(word) => vec![Part::Plain(word.to_owned())],
                _ => Word::new(),
            });
        }
        Ok(words)
    }

    fn simple(&mut self) -> Result<Command, SyntaxError> {
        self.peek()?;
        let line = self.ahead.as_ref().map_or(0, |&(_, line)| line);
        let words = self.words()?;
        let block = if *self.peek()? == Token::Open {
            self.take()?;
            self.enter()?;
            let (commands, _) = self.commands()?;
            if *self.peek()? != Token::Close {
                return self.unexpected("`}` or another command");
            }
            self.take()?;
            self.inside -= 1;
            Some(commands)
        } else {
            None
        };
        Ok(Command { line, action: Action::Simple { words, block } })
    }

    fn condition(&mut self) -> Result<Command, SyntaxError> {
        let (_, line) = self.take()?;
        self.enter()?;
        let mut branches = Vec::new();
        let otherwise = loop {
            let condition = self.delimited_commands()?;
            self.expect_reserved("then")?;
            branches.push((condition, self.delimited_commands()?));
            match self.peek()? {
                Token::Reserved("elif") => _ = self.take()?,
                Token::Reserved("else") => {
                    self.take()?;
                    break Some(self.delimited_commands()?);
                }
                _ => break None,
            }
        };
        self.expect_reserved("fi")?;
        self.inside -= 1;
        Ok(Command { line, action: Action::If { branches, otherwise } })
    }

    fn iteration(&mut self) -> Result<Command, SyntaxError> {
        let (_, line) = self.take()?;
        let name = self.name("a variable")?;
        self.enter()?;
        self.expect_reserved("in")?;
        let words = self.words()?;
        self.expect_delimiters()?;
        self.expect_reserved("do")?;
        let body = self.delimited_commands()?;
        self.expect_reserved("done")?;
        self.inside -= 1;
        Ok(Command { line, action: Action::For { name, words, body } })
    }

    fn repetition(&mut self, until: bool) -> Result<Command, SyntaxError> {
        let (_, line) = self.take()?;
        self.enter()?;
        let condition = self.delimited_commands()?;
        self.expect_reserved("do")?;
        let body = self.delimited_commands()?;
        self.expect_reserved("done")?;
        self.inside -= 1;
        Ok(Command { line, action: Action::While { until, condition, body } })
    }

    fn function(&mut self) -> Result<Command, SyntaxError> {
        let (_, line) = self.take()?;
        let name = self.name("a function")?;
        self.enter()?;
        self.newlines()?;
        if *self.peek()? != Token::Open {
            return self.unexpected("`{`");
        }
        self.take()?;
        let body = self.delimited_commands()?;
        if *self.peek()? != Token::Close {
            return self.unexpected("`}` or another command");
        }
        self.take()?;
        self.inside -= 1;
        Ok(Command { line, action: Action::Function { name, body } })
    }
}
