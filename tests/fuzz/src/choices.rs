//! The options of a case: what is drawn, what of it an assumption needs, and how it is written on a command line.
//!
//! | assumption | drawn for modules |
//! |---|---|
//! | `closed-world` | all, with `--keep-export '*'`: every export stays reachable |
//! | `canonical-abi`, `shadow-stack`, `return-areas` | whose code writes no memory: nothing private could be dropped unseen |
//! | the same two, by `--fused` | of the generators `promoted` and `deep`, which keep to them |
//! | `low-memory-unused` | whose code accesses no memory |
//! | `no-traps` | without an operator that can trap |
//! | `no-oom` | without `memory.grow` |
//!
//! These hold by the module's code ([`Facts`]), whoever made it, so an assumption never licenses a difference. A pass that uses
//! one needs a generator whose modules keep to it by their behaviour; add a row then.

use crate::case::Source;
use crate::left_sides;
use crate::oracle::Engines;
use crate::rng::Rng;
use crate::surface::Facts;
use loom_wasm::{Assumptions, Objective, Options};
use std::path::PathBuf;

/// Of a hundred modules made from a rule and drawn to run with all rules, how many run with theirs alone.
const ALONE: u32 = 40;

/// Fixes what is drawn otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Fixed {
    /// Always.
    On,
    /// Never.
    Off,
    /// By the seed.
    #[default]
    Drawn,
}

impl Fixed {
    fn or(self, drawn: bool) -> bool {
        match self {
            Fixed::On => true,
            Fixed::Off => false,
            Fixed::Drawn => drawn,
        }
    }
}

/// What the command line of a campaign says about options.
#[derive(Clone, Debug, Default)]
pub struct Fixes {
    /// Equality saturation.
    pub egraph: Fixed,
    /// Worst legal choices.
    pub chaos: Fixed,
    /// Rule files instead of the built-in rules.
    pub rules: Vec<PathBuf>,
    /// Engines of all cases.
    pub engines: Option<Engines>,
}

/// Which rules are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    /// All.
    All,
    /// About half, by the seed.
    Half(u64),
    /// About one of ten.
    Few(u64),
    /// All but one.
    AllBut(u64),
    /// One.
    One(u64),
}

impl Subset {
    fn draw(rng: &mut Rng) -> Subset {
        let seed = rng.next_u64() >> 48;
        match rng.below(100) {
            0..70 => Subset::All,
            70..78 => Subset::Half(seed),
            78..86 => Subset::Few(seed),
            86..93 => Subset::AllBut(seed),
            _ => Subset::One(seed),
        }
    }

    /// Names of the rules, `None` for all.
    pub fn names(self) -> Option<Vec<String>> {
        let all = left_sides::rules();
        let name = |seed: u64| (seed % all.len().max(1) as u64) as usize;
        let keep: Box<dyn FnMut(usize) -> bool> = match self {
            Subset::All => return None,
            Subset::Half(seed) => {
                let mut rng = Rng::new(seed);
                Box::new(move |_| rng.percent(50))
            }
            Subset::Few(seed) => {
                let mut rng = Rng::new(seed);
                Box::new(move |_| rng.percent(10))
            }
            Subset::AllBut(seed) => Box::new(move |i| i != name(seed)),
            Subset::One(seed) => Box::new(move |i| i == name(seed)),
        };
        let mut keep = keep;
        Some(all.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, r)| r.name.clone()).collect())
    }

    fn text(self) -> Option<String> {
        Some(match self {
            Subset::All => return None,
            Subset::Half(s) => format!("half:{s}"),
            Subset::Few(s) => format!("few:{s}"),
            Subset::AllBut(s) => format!("all-but:{s}"),
            Subset::One(s) => format!("one:{s}"),
        })
    }

    fn parse(text: &str) -> Option<Subset> {
        let (kind, seed) = text.split_once(':')?;
        let seed = seed.parse().ok()?;
        Some(match kind {
            "half" => Subset::Half(seed),
            "few" => Subset::Few(seed),
            "all-but" => Subset::AllBut(seed),
            "one" => Subset::One(seed),
            _ => return None,
        })
    }
}

/// All assumptions off: whole memories are compared.
pub fn strict() -> Assumptions {
    Assumptions {
        canonical_abi: Some(false),
        shadow_stack: Some(false),
        return_areas: Some(false),
        ..Assumptions::default()
    }
}

/// Options together with what they were made from.
#[derive(Clone, Debug)]
pub struct Choices {
    /// What the optimizer is given.
    pub options: Options,
    /// Where its rule filter comes from.
    pub subset: Subset,
    /// What runs it.
    pub engines: Engines,
}

impl Choices {
    /// Options without a rule filter.
    pub fn plain(options: Options) -> Choices {
        Choices { options, subset: Subset::All, engines: Engines::Wasmi }
    }

    /// The choices of a seed for a module. Everything that changes code is drawn.
    pub fn draw(seed: u64, wasm: &[u8], fixes: &Fixes) -> Choices {
        let mut rng = Rng::new(seed ^ 0x0b0b_0b0b);
        let (objective, effort) = match rng.below(14) {
            0..4 => (Objective::Size, 2),
            4..7 => (Objective::Size, 4),
            7..10 => (Objective::Speed, 2),
            10 => (Objective::Speed, 1),
            11 => (Objective::Speed, 3),
            12 => (Objective::Speed, 4),
            _ if rng.percent(40) => (Objective::Speed, 0),
            _ => (Objective::Speed, 2),
        };
        let facts = Facts::of(wasm);
        let mut assume = |allowed: bool| rng.percent(20) && allowed;
        let assumptions = Assumptions {
            closed_world: assume(true),
            canonical_abi: Some(assume(!facts.writes_memory)),
            shadow_stack: Some(assume(!facts.writes_memory)),
            return_areas: Some(assume(!facts.writes_memory)),
            low_memory_unused: assume(!facts.accesses_memory),
            no_traps: assume(!facts.traps),
            no_oom: assume(!facts.grows),
        };
        let keep_exports = if assumptions.closed_world { vec!["*".to_owned()] } else { Vec::new() };
        let subset = Subset::draw(&mut rng);
        let chaos = fixes.chaos.or(rng.percent(34)).then(|| rng.next_u64() >> 48);
        // Where bodies are only copied there is nothing to choose.
        let effort = if chaos.is_some() { effort.max(1) } else { effort };
        let options = Options {
            egraph: fixes.egraph.or(rng.percent(80)),
            objective,
            effort,
            rules: fixes.rules.clone(),
            rule_filter: subset.names(),
            keep_exports,
            assumptions,
            jobs: if rng.percent(8) { 2 } else { 1 },
            no_revert: rng.percent(60),
            chaos,
            verify: rng.percent(25),
            ..Options::default()
        };
        // One case in fifty runs in both engines.
        let both = cfg!(feature = "wasmtime") && rng.percent(2);
        let options = Options { merge_memories: rng.percent(60), ..options };
        let drawn = if both { Engines::Both } else { Engines::Wasmi };
        Choices { options, subset, engines: fixes.engines.unwrap_or(drawn) }
    }

    /// The same for the module of a seed: what only the second engine knows runs there, and where the module was made from a
    /// rule, that rule is often alone, since with the others a wrong one hides behind what they make of its left side.
    pub fn of(mut self, source: Source, seed: u64) -> Choices {
        match source.of(seed) {
            Source::Promoted | Source::Deep => {
                self.options.fused = true;
                self.options.assumptions = Assumptions {
                    canonical_abi: None,
                    shadow_stack: None,
                    return_areas: None,
                    ..self.options.assumptions
                };
            }
            Source::SmithWasmtime => self.engines = Engines::Wasmtime,
            Source::Rules if self.subset == Subset::All && Rng::new(seed ^ 0xa10e).percent(ALONE) => {
                self.subset = Subset::One(left_sides::index(seed) as u64);
                self.options.rule_filter = self.subset.names();
            }
            _ => {}
        }
        self
    }

    /// The flags that give these options; `--rule-subset` and `--engine` are of this tool alone.
    pub fn flags(&self) -> String {
        let mut out = flags(&self.options);
        if let Some(text) = self.subset.text().filter(|_| self.options.rule_filter.is_some()) {
            out.push_str(&format!(" --rule-subset {text}"));
        }
        match self.engines {
            Engines::Wasmi => {}
            Engines::Wasmtime => out.push_str(" --engine wasmtime"),
            Engines::Both => out.push_str(" --engine both"),
        }
        out
    }

    /// The options of a line that [`Choices::flags`] wrote.
    ///
    /// # Errors
    /// With the flag that is unknown.
    pub fn parse(text: &str) -> Result<Choices, String> {
        let mut options = Options { assumptions: strict(), verify: false, ..Options::default() };
        let (mut subset, mut engines) = (Subset::All, Engines::Wasmi);
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word {
                "--strict" => {}
                "--fused" => {
                    options.fused = true;
                    (options.assumptions.canonical_abi, options.assumptions.shadow_stack) = (None, None);
                    options.assumptions.return_areas = None;
                }
                "--egraph" => options.egraph = true,
                "--no-revert" => options.no_revert = true,
                "--merge-memories" => options.merge_memories = true,
                "--verify" => options.verify = true,
                "--chaos" => options.chaos = Some(value()?.parse().map_err(|e| format!("{word}: {e}"))?),
                "-j" => options.jobs = value()?.parse().map_err(|e| format!("{word}: {e}"))?,
                "--rules" => options.rules.push(value()?.into()),
                "--keep-export" => options.keep_exports.push(value()?.trim_matches('\'').to_owned()),
                "--assume" => set(&mut options.assumptions, value()?)?,
                "--engine" => {
                    engines = match value()? {
                        "both" => Engines::Both,
                        "wasmtime" => Engines::Wasmtime,
                        "wasmi" => Engines::Wasmi,
                        other => return Err(format!("no engine {other}")),
                    }
                }
                "--rule-subset" => {
                    let text = value()?;
                    subset = Subset::parse(text).ok_or_else(|| format!("no rule subset {text}"))?;
                }
                "-Os" => options.objective = Objective::Size,
                "-Oz" => (options.objective, options.effort) = (Objective::Size, 4),
                _ => match word.strip_prefix("-O").and_then(|n| n.parse().ok()) {
                    Some(effort) => options.effort = effort,
                    None => return Err(format!("unknown flag {word}")),
                },
            }
        }
        options.rule_filter = subset.names();
        Ok(Choices { options, subset, engines })
    }
}

fn set(a: &mut Assumptions, name: &str) -> Result<(), String> {
    match name {
        "closed-world" => a.closed_world = true,
        "canonical-abi" => a.canonical_abi = Some(true),
        "shadow-stack" => a.shadow_stack = Some(true),
        "return-areas" => a.return_areas = Some(true),
        "low-memory-unused" => a.low_memory_unused = true,
        "no-traps" => a.no_traps = true,
        "no-oom" => a.no_oom = true,
        _ => return Err(format!("no assumption {name}")),
    }
    Ok(())
}

/// Names of the assumptions that are on.
pub fn assumed(a: &Assumptions) -> Vec<&'static str> {
    let all = [
        ("closed-world", a.closed_world),
        ("canonical-abi", a.canonical_abi == Some(true)),
        ("shadow-stack", a.shadow_stack == Some(true)),
        ("return-areas", a.return_areas == Some(true)),
        ("low-memory-unused", a.low_memory_unused),
        ("no-traps", a.no_traps),
        ("no-oom", a.no_oom),
    ];
    all.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}

/// The flags that give these options on the command line of `loom`, but for a rule filter, which only this tool has.
pub fn flags(options: &Options) -> String {
    let mut out = vec![match (options.objective, options.effort) {
        (Objective::Size, 4) => "-Oz".to_owned(),
        (Objective::Size, _) => "-Os".to_owned(),
        (Objective::Speed, effort) => format!("-O{effort}"),
    }];
    out.push(if options.fused { "--fused" } else { "--strict" }.to_owned());
    let on = |flag: bool, text: &str| flag.then(|| text.to_owned());
    out.extend(on(options.egraph, "--egraph"));
    out.extend(on(options.no_revert, "--no-revert"));
    out.extend(on(options.merge_memories, "--merge-memories"));
    out.extend(options.chaos.map(|seed| format!("--chaos {seed}")));
    out.extend(on(options.verify, "--verify"));
    out.extend((options.jobs > 1).then(|| format!("-j {}", options.jobs)));
    out.extend(options.rules.iter().map(|p| format!("--rules {}", p.display())));
    out.extend(options.keep_exports.iter().map(|e| format!("--keep-export '{e}'")));
    out.extend(assumed(&options.assumptions).into_iter().map(|a| format!("--assume {a}")));
    out.join(" ")
}
