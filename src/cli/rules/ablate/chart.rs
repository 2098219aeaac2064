//! Bars of what each part of a rule set is worth, as SVG.

use super::measure::Set;
use super::plan::Variant;
use super::rows::Row;
use super::table::{Sums, sums};
use clap::ValueEnum;
use std::fmt::Write;

/// What the bars show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Measure {
    /// Bytes of the code sections.
    Bytes,
    /// Prices of the extracted instructions.
    Cost,
    /// Executed instructions, of the modules that can run.
    Fuel,
    /// Nodes of the e-graphs.
    Nodes,
}

impl Measure {
    fn of(self, s: &Sums) -> u64 {
        match self {
            Measure::Bytes => s.bytes,
            Measure::Cost => s.cost,
            Measure::Fuel => s.fuel,
            Measure::Nodes => s.nodes,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Measure::Bytes => "code section",
            Measure::Cost => "extraction cost",
            Measure::Fuel => "executed instructions",
            Measure::Nodes => "e-graph nodes",
        }
    }
}

/// Most bars; those of the largest changes are drawn.
const MAX_BARS: usize = 40;
/// Height of a line and width of the parts in pixels.
const LINE: usize = 18;
const NAMES: usize = 260;
const BARS: usize = 380;
const NUMBERS: usize = 80;

/// One bar for each variant that leaves something out: how much is added without it, in per cent of what it is with all rules. The largest
/// first; what changes nothing is not drawn.
pub fn svg(sets: &[Set], variants: &[Vec<Variant>], rows: &[&Row], measure: Measure) -> String {
    let mut bars: Vec<(String, f64)> = Vec::new();
    let mut modules = 0;
    for (set, variants) in sets.iter().zip(variants) {
        let rows: Vec<&Row> = rows.iter().filter(|r| r.set == set.name).copied().collect();
        let all = sums(&rows, &Variant::All);
        modules = if measure == Measure::Fuel { all.ran.len() } else { all.modules.len() };
        for variant in variants.iter().filter(|v| **v != Variant::All) {
            let s = sums(&rows, variant);
            let comparable = s.modules == all.modules && (measure != Measure::Fuel || s.ran == all.ran);
            if !comparable || measure.of(&all) == 0 {
                continue;
            }
            let name = match (variant, sets.len()) {
                (Variant::None, 1) => "no rules at all".to_owned(),
                (_, 1) => format!("without {variant}"),
                _ => format!("{}: {variant}", set.name),
            };
            bars.push((name, (measure.of(&s) as f64 / measure.of(&all) as f64 - 1.0) * 100.0));
        }
    }
    bars.retain(|bar| bar.1 != 0.0);
    bars.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
    bars.truncate(MAX_BARS);
    draw(
        &format!("{} without parts of the rules, {modules} modules: change in per cent", measure.title()),
        &bars,
    )
}

fn draw(title: &str, bars: &[(String, f64)]) -> String {
    let most = bars.iter().map(|b| b.1.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let (width, height) = (NAMES + BARS + NUMBERS, (bars.len() + 2) * LINE);
    let mut s = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"8\" y=\"{LINE}\" font-weight=\"bold\">{}</text>\n",
        escaped(title)
    );
    for (i, (name, change)) in bars.iter().enumerate() {
        let top = (i + 1) * LINE + 6;
        let base = top + LINE - 6;
        let length = change.abs() / most * BARS as f64;
        let colour = if *change < 0.0 { "#b5523b" } else { "#3b6fb5" };
        writeln!(
            s,
            "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{NAMES}\" y=\"{top}\" width=\"{length:.1}\" height=\"{}\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{base}\">{change:+.3}</text>",
            NAMES - 8,
            escaped(name),
            LINE - 4,
            NAMES as f64 + length + 6.0,
        )
        .expect("writing to a string");
    }
    s.push_str("</svg>\n");
    s
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_drawing() {
        let text = draw("a < b", &[("<x> & y\n".to_owned(), 1.5), ("z".to_owned(), -0.5)]);
        assert!(text.contains("&lt;x&gt; &amp; y ") && text.contains("a &lt; b") && text.contains("+1.500"));
        assert!(text.contains("width=\"190") || text.contains("width=\"126.7\""), "{text}");
        assert_eq!(draw("nothing", &[]).matches("<rect").count(), 1);
    }
}
