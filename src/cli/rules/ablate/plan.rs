//! What is to be measured: for each module and each rule set all its rules, none, and all but some, in one fixed order, of which a
//! shard is a part without gaps.

use loom_wasm::Error;
use loom_wasm::rules::{RuleSet, did_you_mean};
use std::fmt;

/// A part of a rule set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// All rules.
    All,
    /// No rules: the e-graph shares and folds, and that is all.
    None,
    /// All but those of a theme.
    Theme(String),
    /// All but those of a family.
    Rule(String),
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Variant::All => f.write_str("all"),
            Variant::None => f.write_str("none"),
            Variant::Theme(name) => write!(f, "theme:{name}"),
            Variant::Rule(name) => write!(f, "rule:{name}"),
        }
    }
}

impl Variant {
    /// Whether a rule of this theme and family is left out.
    pub fn leaves_out(&self, theme: &str, family: &str) -> bool {
        match self {
            Variant::All => false,
            Variant::None => true,
            Variant::Theme(name) => name == theme,
            Variant::Rule(name) => name == family,
        }
    }

    /// The rules that stay.
    pub fn of(&self, set: &RuleSet) -> RuleSet {
        let stays = |r: &&loom_wasm::rules::Rule| !self.leaves_out(&r.theme, &r.family);
        RuleSet { rules: set.rules.iter().filter(stays).cloned().collect() }
    }
}

/// What is left out in turn.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Each rule instead of each theme.
    pub each_rule: bool,
    /// Only these themes, or with `each_rule` their rules.
    pub themes: Vec<String>,
    /// Only these rules.
    pub rules: Vec<String>,
}

/// The variants of a set, in the order of its files and lines; all and none first.
///
/// # Errors
/// When a name is none of a theme or rule of the set.
pub fn variants(set: &RuleSet, choice: &Choice) -> Result<Vec<Variant>, Error> {
    let unknown = |what: &str, name: &str, known: Vec<&str>| {
        let hint = did_you_mean(name, known.into_iter());
        Error::new(format!("no {what} has the name `{name}`{hint}")).in_file("rules ablate")
    };
    let mut themes: Vec<&str> = Vec::new();
    let mut families: Vec<(&str, &str)> = Vec::new();
    for r in &set.rules {
        if !themes.contains(&&*r.theme) {
            themes.push(&r.theme);
        }
        if families.last() != Some(&(&*r.theme, r.family.as_str())) {
            families.push((&r.theme, &r.family));
        }
    }
    for name in &choice.themes {
        if !themes.contains(&name.as_str()) {
            return Err(unknown("theme", name, themes));
        }
    }
    for name in &choice.rules {
        if !families.iter().any(|(_, family)| family == name) {
            return Err(unknown("rule", name, families.iter().map(|f| f.1).collect()));
        }
    }
    let wanted = |theme: &str| match choice.themes.is_empty() {
        true => choice.rules.is_empty() || choice.each_rule,
        false => choice.themes.iter().any(|t| t == theme),
    };
    let mut all = vec![Variant::All, Variant::None];
    match choice.each_rule {
        false => all.extend(themes.iter().filter(|t| wanted(t)).map(|t| Variant::Theme((*t).to_owned()))),
        true => {
            let rules = families.iter().filter(|(theme, _)| wanted(theme));
            all.extend(rules.map(|(_, family)| Variant::Rule((*family).to_owned())));
        }
    }
    for name in &choice.rules {
        let variant = Variant::Rule(name.clone());
        if !all.contains(&variant) {
            all.push(variant);
        }
    }
    Ok(all)
}

/// One thing to measure: places of the module and of the set, and the variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Place in the list of modules.
    pub module: usize,
    /// Place in the list of sets.
    pub set: usize,
    /// What of the set is used.
    pub variant: Variant,
}

/// Everything to measure.
pub fn items(modules: usize, variants: &[Vec<Variant>]) -> Vec<Item> {
    let mut items = Vec::new();
    for module in 0..modules {
        for (set, variants) in variants.iter().enumerate() {
            items.extend(variants.iter().map(|v| Item { module, set, variant: v.clone() }));
        }
    }
    items
}

/// A shard: which of how many, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

impl Shard {
    /// All in one.
    pub const WHOLE: Shard = Shard { index: 1, count: 1 };

    /// Reads `I/N`.
    ///
    /// # Errors
    /// A sentence when it is not of that form, or I is not from 1 to N.
    pub fn parse(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, count)) if index >= 1 && index <= count => Ok(Shard { index, count }),
            _ => Err("expected I/N with I from 1 to N".to_owned()),
        }
    }

    /// This shard's part of a list. The parts of all shards, one after the other, are the list.
    pub fn part<T>(self, items: &[T]) -> &[T] {
        // In 128 bits nothing overflows, whatever N is.
        let at = |i: usize| (items.len() as u128 * i as u128 / self.count as u128) as usize;
        &items[at(self.index - 1)..at(self.index)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> RuleSet {
        let a = "(rule x :phase simplify :verify sample :for (N 32 64) (iN.add ?x (iN.const 0)) => ?x)
            (rule y :phase simplify :verify sample (i32.sub ?x (i32.const 0)) => ?x)";
        let b = "(rule z :phase simplify :verify sample (i32.xor ?x ?x) => (i32.const 0))";
        RuleSet::from_texts([("a.rules", a), ("b.rules", b)]).expect("rules")
    }

    fn names(choice: &Choice) -> Vec<String> {
        variants(&set(), choice).expect("variants").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_left_out() {
        let choice = |each_rule, themes: &[&str], rules: &[&str]| Choice {
            each_rule,
            themes: themes.iter().map(|&t| t.to_owned()).collect(),
            rules: rules.iter().map(|&t| t.to_owned()).collect(),
        };
        assert_eq!(names(&choice(false, &[], &[])), ["all", "none", "theme:a", "theme:b"]);
        assert_eq!(names(&choice(true, &[], &[])), ["all", "none", "rule:x", "rule:y", "rule:z"]);
        assert_eq!(names(&choice(true, &["a"], &[])), ["all", "none", "rule:x", "rule:y"]);
        assert_eq!(names(&choice(false, &["b"], &["y"])), ["all", "none", "theme:b", "rule:y"]);
        assert_eq!(names(&choice(false, &[], &["y", "y"])), ["all", "none", "rule:y"]);
        assert!(variants(&set(), &choice(false, &["c"], &[])).is_err());
        assert!(variants(&set(), &choice(false, &[], &["x@32"])).is_err());
        assert_eq!(Variant::Rule("x".into()).of(&set()).rules.len(), 2);
        assert_eq!(Variant::Theme("a".into()).of(&set()).rules.len(), 1);
    }

    #[test]
    fn shards_together_are_the_list() {
        let list: Vec<u32> = (0..23).collect();
        for count in [1, 2, 5, 23, 40] {
            let parts = (1..=count).flat_map(|index| Shard { index, count }.part(&list).to_vec());
            assert_eq!(parts.collect::<Vec<_>>(), list, "{count}");
        }
        assert_eq!(Shard::parse("2/3"), Ok(Shard { index: 2, count: 3 }));
        for wrong in ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "99999999999999999999999/1"] {
            assert!(Shard::parse(wrong).is_err(), "{wrong}");
        }
    }
}
