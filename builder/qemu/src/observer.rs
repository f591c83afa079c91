//! Follows a boot by what its serial console says.
//!
//! ```text
//!  line, time ──► squeeze ──► stage marks   ──► timeline
//!                         └─► failure marks ──► suspicion, certainty ──► conclusion(now)
//! ```
//!
//! It does no I/O and has no clock: lines come in with the time at which they were heard.

use std::fmt;
use std::time::Duration;

use crate::marks::{FAILURES, FailureMark, STAGES, StageMark, Weight};
use crate::stage::Stage;
use crate::verdict::Verdict;

/// How long the console is heard after the last words of a boot, for the reason that may follow them.
const LINGER: Duration = Duration::from_secs(3);

/// Lines are looked at, and kept, up to this many characters.
const LINE_LIMIT: usize = 1000;

/// Units that are remembered by name.
const UNIT_LIMIT: usize = 100;

/// A line of the console that meant something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The line, up to 1,000 characters of it.
    pub line: String,
    /// The words that were looked for; `…` stands for anything between them.
    pub pattern: String,
    /// Who prints these words, and when.
    pub source: &'static str,
    /// When it was heard, from the start of QEMU.
    pub at: Duration,
}

/// A stage and how it was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The stage.
    pub stage: Stage,
    /// When, from the start of QEMU.
    pub at: Duration,
    /// By which line; `None` for the start.
    pub sighting: Option<Sighting>,
}

/// How a boot ended, as far as the console tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conclusion {
    pub(crate) verdict: Verdict,
    /// The line that says so; `None` where there was none.
    pub(crate) evidence: Option<Sighting>,
}

#[derive(Clone, Debug)]
struct Suspicion {
    mark: &'static FailureMark,
    sighting: Sighting,
}

/// The words of a mark as lines are compared with them.
#[derive(Debug)]
struct Words {
    all: Vec<String>,
    none: Vec<String>,
}

impl Words {
    fn of(all: &[&str], none: &[&str]) -> Self {
        let squeezed = |words: &[&str]| words.iter().map(|words| squeeze(words)).collect();
        Self { all: squeezed(all), none: squeezed(none) }
    }

    fn match_line(&self, line: &str) -> bool {
        let mut rest = line;
        for words in &self.all {
            let Some(at) = rest.find(words.as_str()) else { return false };
            rest = &rest[at + words.len()..];
        }
        !self.none.iter().any(|words| line.contains(words.as_str()))
    }
}

/// Which units may fail, by their names.
pub(crate) struct Allowed(pub(crate) Box<dyn Fn(&str) -> bool>);

impl Allowed {
    /// None of them.
    pub(crate) fn nothing() -> Self {
        Self(Box::new(|_| false))
    }

    pub(crate) fn allows(&self, unit: &str) -> bool {
        (self.0)(unit)
    }
}

impl fmt::Debug for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Allowed")
    }
}

/// What is known of a boot so far.
#[derive(Debug)]
pub(crate) struct Observer {
    stages: Vec<(Words, &'static StageMark)>,
    failures: Vec<(Words, &'static FailureMark)>,
    timeline: Vec<Reached>,
    /// systemd of the initramfs speaks.
    in_initrd: bool,
    suspicion: Option<Suspicion>,
    certainty: Option<Suspicion>,
    failed_units: Vec<String>,
    allowed: Allowed,
    last_heard: Duration,
    /// Silence that makes a suspicion certain.
    quiet: Duration,
}

impl Observer {
    /// A machine has just been started. After `quiet` without a word, what is suspected is taken as certain. That units
    /// fail which are `allowed` to explains nothing.
    pub(crate) fn new(quiet: Duration, allowed: Allowed) -> Self {
        Self {
            stages: STAGES.iter().map(|mark| (Words::of(mark.words, mark.unless), mark)).collect(),
            failures: FAILURES.iter().map(|mark| (Words::of(mark.words, mark.unless), mark)).collect(),
            timeline: vec![Reached { stage: Stage::Started, at: Duration::ZERO, sighting: None }],
            in_initrd: false,
            suspicion: None,
            certainty: None,
            failed_units: Vec::new(),
            allowed,
            last_heard: Duration::ZERO,
            quiet,
        }
    }

    /// How far it has come.
    pub(crate) fn stage(&self) -> Stage {
        self.timeline.last().map_or(Stage::Started, |reached| reached.stage)
    }

    /// The stages that were seen, each with its time.
    pub(crate) fn timeline(&self) -> &[Reached] {
        &self.timeline
    }

    /// Which units may fail.
    pub(crate) fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Units of the system itself that the console says failed. A unit may have been started again since.
    pub(crate) fn failed_units(&self) -> &[String] {
        &self.failed_units
    }

    /// A whole line was heard.
    pub(crate) fn line(&mut self, at: Duration, line: &str) {
        self.heard(at, line, false);
        if self.stage() >= Stage::Systemd
            && let Some(unit) = failed_unit(line)
            && self.failed_units.len() < UNIT_LIMIT
            && !self.failed_units.contains(&unit)
        {
            self.failed_units.push(unit);
        }
    }

    /// The beginning of a line was heard, and it may be all there is: a prompt. It may be told again as it grows. Only
    /// prompts are looked for in it, as what follows may give other words another meaning.
    pub(crate) fn beginning(&mut self, at: Duration, text: &str) {
        if !text.is_empty() {
            self.heard(at, text, true);
        }
    }

    /// The system has told by itself that it is up, whatever its console said.
    pub(crate) fn told_ready(&mut self, at: Duration) {
        if self.stage() < Stage::Target {
            let source = "systemd in the guest, over a virtio port";
            let sighting = Some(sighting("READY=1", &["READY=1"], source, at));
            self.timeline.push(Reached { stage: Stage::Target, at, sighting });
            self.suspicion = None;
        }
    }

    fn heard(&mut self, at: Duration, line: &str, only_prompts: bool) {
        self.last_heard = at;
        let line = cut(line);
        let squeezed = squeeze(line);
        self.follow_initrd(&squeezed);
        self.look_for_stages(at, line, &squeezed, only_prompts);
        self.look_for_failures(at, line, &squeezed, only_prompts);
    }

    /// The service manager of the initramfs says much of what that of the system says.
    fn follow_initrd(&mut self, squeezed: &str) {
        if ["Running in initrd.", "Booting initrd of ", "(Initramfs)!"].iter().any(|words| squeezed.contains(words)) {
            self.in_initrd = true;
        } else if squeezed.contains("Switching root") || squeezed.contains("initrd-switch-root") {
            self.in_initrd = false;
        }
    }

    fn look_for_stages(&mut self, at: Duration, line: &str, squeezed: &str, only_prompts: bool) {
        for (words, mark) in &self.stages {
            if only_prompts && !mark.prompt {
                continue;
            }
            let now = self.timeline.last().map_or(Stage::Started, |reached| reached.stage);
            if mark.stage == Stage::Systemd && self.in_initrd {
                continue;
            }
            if mark.stage > now && now >= mark.from && words.match_line(squeezed) {
                let sighting = Some(sighting(line, mark.words, mark.source, at));
                self.timeline.push(Reached { stage: mark.stage, at, sighting });
                // Whatever it was, the boot has got over it.
                self.suspicion = None;
            } else if mark.stage == Stage::Firmware && now >= Stage::Kernel && words.match_line(squeezed) {
                // The firmware again: the machine was reset without a word.
                let mark = ENDED_SILENTLY;
                let sighting = sighting(line, mark.words, mark.source, at);
                self.certainty.get_or_insert(Suspicion { mark, sighting });
            }
        }
    }

    fn look_for_failures(&mut self, at: Duration, line: &str, squeezed: &str, only_prompts: bool) {
        let stage = self.stage();
        for (words, mark) in &self.failures {
            let may_be = (mark.prompt || !only_prompts) && stage >= mark.from && stage <= mark.until;
            if !may_be || !words.match_line(squeezed) {
                continue;
            }
            let seen = Suspicion { mark, sighting: sighting(line, mark.words, mark.source, at) };
            let known = if mark.weight == Weight::Final { &mut self.certainty } else { &mut self.suspicion };
            // The first of equals is nearer to the reason. But each one renews nothing: silence is counted from the
            // last word of any kind.
            if known.as_ref().is_none_or(|known| mark.strength > known.mark.strength) {
                *known = Some(seen);
            }
        }
    }

    /// What is certain at this time; `None` as long as the boot may still come up.
    pub(crate) fn conclusion(&self, now: Duration) -> Option<Conclusion> {
        match (&self.certainty, &self.suspicion) {
            (Some(certain), _) if now.saturating_sub(certain.sighting.at) >= LINGER => Some(self.weigh(certain)),
            (None, Some(suspected))
                if suspected.mark.weight == Weight::Cause && now.saturating_sub(self.last_heard) >= self.quiet =>
            {
                Some(self.conclude(suspected))
            }
            _ => None,
        }
    }

    /// What is to be said where no more will be heard: the time is over, or the machine has ended.
    pub(crate) fn last_word(&self) -> Option<Conclusion> {
        let certain = self.certainty.as_ref().map(|certain| self.weigh(certain));
        certain.or_else(|| self.suspicion.as_ref().map(|suspected| self.conclude(suspected)))
    }

    /// The stronger of what is certain and what was suspected before.
    fn weigh(&self, certain: &Suspicion) -> Conclusion {
        let stronger = self.suspicion.as_ref().filter(|suspected| {
            suspected.mark.strength > certain.mark.strength && suspected.mark.weight == Weight::Cause
        });
        self.conclude(stronger.unwrap_or(certain))
    }

    fn conclude(&self, suspicion: &Suspicion) -> Conclusion {
        // A unit may ask for a reboot where it fails: then that it failed is the news.
        let serious = |unit: &String| is_serious(unit) && !self.allowed.allows(unit);
        let by_unit = suspicion.mark.verdict == Verdict::Ended && self.failed_units.iter().any(serious);
        let verdict = if by_unit { Verdict::UnitsFailed } else { suspicion.mark.verdict };
        Conclusion { verdict, evidence: Some(suspicion.sighting.clone()) }
    }
}

/// Not in the table, as it is no words of its own.
const ENDED_SILENTLY: &FailureMark = &FailureMark {
    verdict: Verdict::Ended,
    weight: Weight::Final,
    strength: 0,
    words: &["BdsDxe: "],
    unless: &[],
    from: Stage::Kernel,
    until: Stage::Target,
    prompt: false,
    source: "the firmware, which starts anew after a reset",
};

fn sighting(line: &str, words: &[&str], source: &'static str, at: Duration) -> Sighting {
    Sighting { line: line.trim_end().to_owned(), pattern: words.join("…"), source, at }
}

fn cut(line: &str) -> &str {
    line.char_indices().nth(LINE_LIMIT).map_or(line, |(at, _)| &line[..at])
}

/// Takes every run of one character as one.
///
/// The emulated serial port of a busy host repeats characters: "Reached targett swap.target" and "command-linne" are
/// from real consoles. And it makes lines that are padded with blanks equal.
pub(crate) fn squeeze(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let mut last = None;
    for character in text.chars() {
        if last != Some(character) {
            squeezed.push(character);
        }
        last = Some(character);
    }
    squeezed
}

/// The unit that a status line of systemd says failed: `[FAILED] Failed to start NAME - DESCRIPTION.`; before systemd
/// 248, and where its configuration says so, only one of both is there.
fn failed_unit(line: &str) -> Option<String> {
    let (_, status) = line.split_once("[FAILED] Failed to ")?;
    let (_, name) = status.split_once(' ')?;
    let name = name.strip_prefix("on ").unwrap_or(name);
    let name = name.split(" - ").next().unwrap_or(name).trim_end();
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then(|| cut(name).to_owned())
}

/// Whether what failed is a part of the system, and not only a way to start one: a job of a path or timer unit also
/// fails where the unit that it would start was masked.
pub(crate) fn is_serious(unit: &str) -> bool {
    ![".path", ".timer", ".target", ".automount"].iter().any(|suffix| unit.ends_with(suffix))
}

#[cfg(test)]
mod tests;
