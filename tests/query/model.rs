//! The table of A.5 against a second, naive reading of it: random deploys in any order of
//! arrival, folded once by the core and once by the few lines below.

use std::collections::BTreeMap;

use proptest::prelude::*;
use relbook_testkit::story::{Story, short, time};
use serde_json::json;

use crate::ask::{ask, cases};

const TARGETS: [&str; 2] = ["us", "eu"];
const DEPLOYS: usize = 5;

/// What a generated event does, with the number of the deploy and of the target.
#[derive(Debug, Clone)]
enum Act {
    Progress(usize, usize, u8),
    Finish(usize, usize, &'static str),
    Remove(usize),
}

#[derive(Debug, Clone, Default)]
struct Target {
    stable: Option<(String, String)>,
    canary: Option<(String, u8, usize)>,
    doubt: bool,
}

fn act() -> impl Strategy<Value = Act> {
    let outcome =
        prop::sample::select(vec!["succeeded", "succeeded", "failed", "failed!", "aborted"]);
    let weight = prop::sample::select(vec![0, 5, 50, 100]);
    prop_oneof![
        4 => (0..DEPLOYS, 0..2_usize, weight).prop_map(|(d, t, w)| Act::Progress(d, t, w)),
        5 => (0..DEPLOYS, 0..2_usize, outcome).prop_map(|(d, t, o)| Act::Finish(d, t, o)),
        1 => (0..2_usize).prop_map(Act::Remove),
    ]
}

/// The artifact and whether the stage is canary, of each deploy.
type Plan = Vec<(&'static str, bool)>;

fn fold(plan: &Plan, acts: &[Act]) -> BTreeMap<usize, Target> {
    let mut targets: BTreeMap<usize, Target> = BTreeMap::new();
    for (i, act) in acts.iter().enumerate() {
        match act {
            Act::Progress(deploy, target, weight) => {
                let target = targets.entry(*target).or_default();
                target.canary = Some((plan[*deploy].0.to_owned(), *weight, *deploy));
            }
            Act::Finish(deploy, target, outcome) => {
                let target = targets.entry(*target).or_default();
                let (artifact, canary) = plan[*deploy];
                match (*outcome, canary) {
                    ("succeeded", true) => {}
                    ("succeeded", false) => {
                        target.doubt = false;
                        target.canary.take_if(|(shown, ..)| shown == artifact);
                        if target.stable.as_ref().is_none_or(|(shown, _)| shown != artifact) {
                            target.stable = Some((artifact.to_owned(), at(i)));
                        }
                    }
                    (outcome, canary) => {
                        target.canary.take_if(|(.., by)| by == deploy);
                        target.doubt |= !canary && outcome.ends_with('!');
                    }
                }
            }
            Act::Remove(target) => drop(targets.insert(*target, Target::default())),
        }
    }
    targets
}

/// When the event of that number happens.
fn at(i: usize) -> String {
    format!("02T{:02}:{:02}", 9 + i / 60, i % 60)
}

fn shares(targets: &BTreeMap<usize, Target>) -> Vec<String> {
    let mut rows = Vec::new();
    for (name, target) in TARGETS.iter().enumerate().map(|(i, name)| (name, targets.get(&i))) {
        let Some(target) = target else { continue };
        let taken = target.canary.as_ref().map_or(0, |(_, weight, _)| *weight);
        if let Some((artifact, since)) = target.stable.as_ref().filter(|_| taken < 100) {
            rows.push(format!("{name} stable {} @{artifact} {since}", 100 - taken));
        }
        if let Some((artifact, weight, _)) = target.canary.as_ref().filter(|_| taken > 0) {
            rows.push(format!("{name} canary {weight} @{artifact}"));
        }
    }
    rows
}

fn state(targets: &BTreeMap<usize, Target>) -> &'static str {
    let all: Vec<Target> =
        (0..TARGETS.len()).map(|i| targets.get(&i).cloned().unwrap_or_default()).collect();
    let stable = |target: &Target| target.stable.as_ref().map(|(artifact, _)| artifact.clone());
    let canary = |target: &Target| target.canary.as_ref().is_some_and(|(_, weight, _)| *weight > 0);
    if all.iter().any(|target| target.doubt) {
        "indeterminate"
    } else if all.iter().all(|target| stable(target).is_none() && !canary(target)) {
        "none"
    } else if stable(&all[0]) != stable(&all[1]) {
        "mixed"
    } else if all.iter().any(canary) {
        "canary"
    } else {
        "live"
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn what_is_live_is_the_fold_of_the_table(
        plan in prop::collection::vec(
            (prop::sample::select(vec!["1.0.0", "1.1.0", "1.2.0"]), any::<bool>()), DEPLOYS),
        acts in prop::collection::vec(act(), 0..30),
        arrival in any::<u64>(),
    ) {
        let mut story = Story::of_api(&TARGETS);
        for (i, (artifact, canary)) in plan.iter().enumerate() {
            let stage = if *canary { "canary" } else { "production" };
            story.start("02T08:00", &format!("D{i}"), stage, artifact);
        }
        let mut order: Vec<usize> = (0..acts.len()).collect();
        order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(arrival | 1).rotate_left(17));
        for i in order {
            match &acts[i] {
                Act::Progress(d, t, weight) => {
                    story.progress(&at(i), &format!("D{d}"), TARGETS[*t], *weight)
                }
                Act::Finish(d, t, outcome) => {
                    story.finish(&at(i), &format!("D{d}"), TARGETS[*t], outcome)
                }
                Act::Remove(t) => story.remove(&at(i), TARGETS[*t]),
            };
        }
        // Looked at from every moment, not only from the last.
        story.push("02T23:00", json!({"kind": "freeze.declared", "freeze_id": "end"}));
        let mut asked = ask(&mut story);
        for seen in (0..=acts.len()).rev().step_by(3) {
            let expected = fold(&plan, &acts[..seen]);
            let from = if seen == 0 { "02T08:30".to_owned() } else { at(seen - 1) };
            asked = asked.at(short(&time(&from)));
            let got: Vec<String> = asked
                .shares("target role weight digest since")
                .into_iter()
                // Since when a canary has traffic is told in live.rs.
                .map(|row| match row.contains(" canary ") {
                    true => row.rsplit_once(' ').unwrap().0.to_owned(),
                    false => row,
                })
                .collect();
            prop_assert_eq!(got, shares(&expected), "after {} of {:?}", seen, acts);
            prop_assert_eq!(asked.status("state"), state(&expected));
        }
    }
}
