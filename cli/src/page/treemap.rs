//! What takes the space, as areas.

use std::cmp::Reverse;

use builder_block::ByteSize;
use maud::{Markup, html};

use super::number;

/// Units of the drawing.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 360.0;

/// What a letter of a label takes.
const LETTER: f64 = 7.3;

/// Sides that nobody sees: areas over them have no length.
const NOTHING: f64 = 1e-6;

/// Colours there are.
const COLOURS: usize = 8;

/// Tiles that are drawn; the rest is one tile.
const MOST: usize = 120;

/// Something that takes space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// Tiles of one group have one colour.
    pub(crate) group: String,
    /// Whether nobody sees it.
    pub(crate) waste: bool,
}

/// A rectangle of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Draws them, the largest first, with a list below.
pub(crate) fn treemap(mut tiles: Vec<Tile>) -> Markup {
    tiles.retain(|tile| tile.bytes > 0);
    tiles.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&other.name)));
    if tiles.is_empty() {
        return html! { p { "Nothing takes space." } };
    }
    let mut drawn = tiles.clone();
    if drawn.len() > MOST {
        let rest = drawn.split_off(MOST);
        let bytes = rest.iter().fold(0, |sum: u64, tile| sum.saturating_add(tile.bytes));
        let name = format!("{} more", rest.len());
        drawn.push(Tile { group: name.clone(), name, bytes, waste: false });
        drawn.sort_by_key(|tile| Reverse(tile.bytes));
    }
    let mut groups: Vec<&str> = Vec::new();
    for tile in &drawn {
        if !groups.contains(&tile.group.as_str()) {
            groups.push(&tile.group);
        }
    }
    let sizes: Vec<f64> = drawn.iter().map(|tile| as_f64(tile.bytes)).collect();
    let areas = squarified(&sizes, Area { x: 0.0, y: 0.0, width: WIDTH, height: HEIGHT });
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label="what takes the space, as areas" {
            @for (tile, area) in drawn.iter().zip(&areas) {
                (rectangle(tile, area, groups.iter().position(|group| *group == tile.group).unwrap_or(0)))
            }
        }
        details {
            summary { "As a list" }
            div.scroll { table {
                @for tile in &tiles {
                    tr { td.path { (tile.name) } td.number { (ByteSize::new(tile.bytes)) } }
                }
            } }
        }
    }
}

fn rectangle(tile: &Tile, area: &Area, colour: usize) -> Markup {
    let class = if tile.waste { "waste".to_owned() } else { format!("t{}", colour % COLOURS) };
    let size = ByteSize::new(tile.bytes).to_string();
    let label = label(&tile.name, area.width).filter(|_| area.height > 18.0);
    html! {
        g {
            title { (tile.name) ": " (size) }
            rect class=(class) x=(number(area.x)) y=(number(area.y)) width=(number(area.width)) height=(number(area.height)) {}
            @if let Some(label) = label {
                text x=(number(area.x + 6.0)) y=(number(area.y + 16.0)) { (label) }
                @if area.height > 34.0 && self::label(&size, area.width).as_deref() == Some(size.as_str()) {
                    text.small x=(number(area.x + 6.0)) y=(number(area.y + 31.0)) { (size) }
                }
            }
        }
    }
}

/// As much of `name` as there is room for; `None` where that says nothing.
fn label(name: &str, width: f64) -> Option<String> {
    let letters = name.chars().count();
    let fits = (1..=letters).rev().find(|&count| as_f64(count as u64) * LETTER + 10.0 <= width)?;
    if fits == letters {
        return Some(name.to_owned());
    }
    // The end of a path says more than its beginning; of others the beginning does.
    let cut = |skipped, taken| name.chars().skip(skipped).take(taken).collect::<String>();
    (fits >= 5).then(|| {
        if name.starts_with('/') {
            format!("…{}", cut(letters - fits + 1, fits))
        } else {
            format!("{}…", cut(0, fits - 1))
        }
    })
}

/// Lays out sizes, the largest first, as areas that are as square as may be. Bruls, Huizing, van Wijk, "Squarified
/// Treemaps" (2000).
fn squarified(sizes: &[f64], whole: Area) -> Vec<Area> {
    let sum: f64 = sizes.iter().sum();
    let scale = whole.width * whole.height / sum;
    let mut left = whole;
    let mut areas = Vec::with_capacity(sizes.len());
    let mut at = 0;
    while at < sizes.len() {
        let side = left.width.min(left.height);
        if side < NOTHING {
            // Beside something far larger, no room is left.
            areas.push(Area { width: 0.0, height: 0.0, ..left });
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < sizes.len() && worst(&sizes[at..=end], scale, side) <= worst(&sizes[at..end], scale, side) {
            end += 1;
        }
        left = row(&sizes[at..end], scale, left, &mut areas);
        at = end;
    }
    areas
}

/// The worst ratio of sides in a row along `side`.
fn worst(row: &[f64], scale: f64, side: f64) -> f64 {
    let sum = row.iter().sum::<f64>() * scale;
    let thickness = sum / side;
    row.iter().fold(1.0, |worst: f64, size| {
        let length = size * scale / thickness;
        worst.max(length / thickness).max(thickness / length)
    })
}

/// Places a row along the shorter side, and gives what is left.
fn row(row: &[f64], scale: f64, left: Area, areas: &mut Vec<Area>) -> Area {
    let is_column = left.width >= left.height;
    let turned = |area: Area| {
        let Area { x, y, width, height } = area;
        if is_column { Area { x: y, y: x, width: height, height: width } } else { area }
    };
    // In what follows the row lies along the width, at the top.
    let left = turned(left);
    let thickness = row.iter().sum::<f64>() * scale / left.width;
    let mut x = left.x;
    for size in row {
        let width = size * scale / thickness;
        areas.push(turned(Area { x, width, height: thickness, ..left }));
        x += width;
    }
    turned(Area { y: left.y + thickness, height: left.height - thickness, ..left })
}

/// Exact below 2^53, and nobody sees the difference above.
#[expect(clippy::cast_precision_loss, reason = "drawings have three digits")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::{Area, HEIGHT, WIDTH, as_f64, label, squarified};

    #[test]
    fn areas_are_as_large_as_what_they_stand_for_and_fill_the_drawing_once() {
        let whole = Area { x: 0.0, y: 0.0, width: WIDTH, height: HEIGHT };
        for sizes in [vec![7_u64], vec![5, 5, 5], vec![1000, 1, 1, 1], (1..100).rev().collect(), vec![u64::MAX, 1]] {
            let sizes: Vec<f64> = sizes.into_iter().map(as_f64).collect();
            let sum: f64 = sizes.iter().sum();
            let areas = squarified(&sizes, whole);
            assert_eq!(areas.len(), sizes.len());
            for (at, (area, size)) in areas.iter().zip(&sizes).enumerate() {
                let expected = size / sum * WIDTH * HEIGHT;
                assert!((area.width * area.height - expected).abs() < 1e-6 * WIDTH * HEIGHT, "{sizes:?} {area:?}");
                assert!(area.x >= -1e-6 && area.x + area.width <= WIDTH + 1e-6, "{area:?}");
                assert!(area.y >= -1e-6 && area.y + area.height <= HEIGHT + 1e-6, "{area:?}");
                for other in &areas[..at] {
                    let apart = |a: f64, b: f64, c: f64, d: f64| a + b <= c + 1e-6 || c + d <= a + 1e-6;
                    assert!(
                        apart(area.x, area.width, other.x, other.width)
                            || apart(area.y, area.height, other.y, other.height),
                        "{area:?} {other:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn labels_are_whole_or_the_end_of_a_path_or_the_beginning_of_a_name_or_not_there() {
        assert_eq!(label("/usr/lib", 100.0).as_deref(), Some("/usr/lib"));
        assert_eq!(label("/usr/lib/modules", 80.0).as_deref(), Some("…/modules"));
        assert_eq!(label("linux-image 6.12", 80.0).as_deref(), Some("linux-im…"));
        assert_eq!(label("/usr/lib/modules", 30.0), None);
    }
}
