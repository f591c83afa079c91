//! Parts of a whole, side by side and to scale.

use maud::{Markup, html};

use super::number;

/// Units of the drawing.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 64.0;

/// What a letter of a label takes.
const LETTER: f64 = 7.3;

/// Colours there are.
const COLOURS: usize = 8;

/// A part: of a disk, or of a time.
pub(super) struct Span {
    /// What it is called.
    pub(super) name: String,
    /// How large it is, in words.
    pub(super) size: String,
    /// Where it begins, in the units of the whole.
    pub(super) start: u64,
    /// How long it is, in the same.
    pub(super) length: u64,
}

/// Draws `spans` as parts of `whole`; `title` says what the whole is.
pub(super) fn bar(title: &str, spans: &[Span], whole: u64) -> Markup {
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ (title) ", to scale" } {
            g { title { (title) } rect.free x="0" y="0" width=(WIDTH) height=(HEIGHT) rx="6" {} }
            @for (at, span) in spans.iter().enumerate() { (part(span, at, whole)) }
        }
    }
}

/// The sign in a list for the part of this number.
pub(super) fn swatch(at: usize) -> Markup {
    html! { span class={ "swatch t" (at % COLOURS) } {} }
}

fn part(span: &Span, at: usize, whole: u64) -> Markup {
    let Span { name, size, start, length } = span;
    let share = |part: u64| ratio(part, whole) * WIDTH;
    let (x, width) = (share(*start), share(*length));
    let fits = |text: &str| text.chars().map(|_| LETTER).sum::<f64>() + 12.0 <= width;
    html! {
        g {
            title { (name) ": " (size) }
            // What would be thinner than a line is a line.
            rect class={ "t" (at % COLOURS) } x=(number(x)) y="0" width=(number(width.max(2.0))) height=(HEIGHT) {}
            @if fits(name) {
                text x=(number(x + 8.0)) y="26" { (name) }
                @if fits(size) { text.small x=(number(x + 8.0)) y="44" { (size) } }
            }
        }
    }
}

/// A part of a whole, 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "drawings have three digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) }
}
