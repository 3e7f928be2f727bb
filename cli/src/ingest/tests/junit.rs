//! JUnit XML: cases are counted by what stands in them, and nothing that did not run is a pass.

use serde_json::json;

use super::{Context, one_of, refusal_of, suite};

fn cases(event: &serde_json::Value) -> [u64; 4] {
    ["passed", "failed", "skipped", "flaky"].map(|name| event["cases"][name].as_u64().unwrap())
}

#[test]
fn each_case_counts_once_by_its_children() {
    let event = one_of(
        "<testsuites><testsuite name='s' tests='7' failures='1' errors='1'>
           <testcase name='a'/>
           <testcase name='b'><failure/><system-out>x</system-out></testcase>
           <testcase name='c'><error/></testcase>
           <testcase name='d'><skipped/></testcase>
           <testcase name='e'><flakyFailure/></testcase>
           <testcase name='f'><failure/><rerunFailure/></testcase>
           <testcase name='g' status='disabled'/>
         </testsuite></testsuites>",
        &suite("unit"),
    );
    assert_eq!(event["result"], "fail");
    assert_eq!(cases(&event), [1, 3, 2, 1]);
    assert_eq!((&event["suite"], &event["kind"]), (&json!("unit"), &json!("check.completed")));
    assert_eq!(event["digest"], super::digest('0'));
}

#[test]
fn nested_suites_are_counted_once_and_agree_with_what_each_declares() {
    let event = one_of(
        "<testsuites tests='3'><testsuite name='all' tests='3'>
           <testsuite name='one' tests='2'><testcase name='a'/><testcase name='b'/></testsuite>
           <testsuite name='two' tests='1'><testcase name='c'/></testsuite>
         </testsuite></testsuites>",
        &suite("unit"),
    );
    assert_eq!((&event["result"], cases(&event)), (&json!("pass"), [3, 0, 0, 0]));
    assert_eq!(event["labels"]["count_check"], "equal");
    assert_eq!(event["labels"]["suites"], "3");
}

#[test]
fn a_report_that_holds_other_cases_than_it_declares_is_no_pass() {
    let text = "<testsuite name='s' tests='173'><testcase name='a'/></testsuite>";
    let event = one_of(text, &suite("unit"));
    assert_eq!(event["result"], "inconclusive");
    assert_eq!(event["labels"]["reason"], "count_differs");
    let shown = event["labels"]["count_differs"].as_str().unwrap();
    assert!(shown.contains("tests=173") && shown.contains("holds 1"), "{shown}");
    let accepted = Context { any_count: true, ..suite("unit") };
    assert_eq!(one_of(text, &accepted)["result"], "pass");
    // A failure that is declared and not held is one as well.
    let text = "<testsuite tests='1' failures='1'><testcase name='a'/></testsuite>";
    assert_eq!(one_of(text, &suite("unit"))["result"], "inconclusive");
    // Some tools leave skipped cases out of what they declare.
    let text = "<testsuite tests='1'><testcase/><testcase><skipped/></testcase></testsuite>";
    assert_eq!(one_of(text, &suite("unit"))["result"], "pass");
}

#[test]
fn nothing_that_ran_is_nothing_that_passed() {
    let none = one_of("<testsuites/>", &suite("unit"));
    assert_eq!(
        (&none["result"], &none["labels"]["reason"]),
        (&json!("inconclusive"), &json!("no_cases"))
    );
    let skipped = "<testsuite><testcase><skipped/></testcase></testsuite>";
    let skipped = one_of(skipped, &suite("unit"));
    assert_eq!(skipped["labels"]["reason"], "all_skipped");
    assert_eq!(skipped["result"], "inconclusive");
    // The set-up of a suite failed before any case ran.
    let setup = one_of("<testsuite><error message='no database'/></testsuite>", &suite("unit"));
    assert_eq!(setup["result"], "fail");
    // The tool itself ended in an error, so that its report may be of half a run.
    let code = Context { exit_code: Some(2), ..suite("unit") };
    let ended = one_of("<testsuite><testcase/></testsuite>", &code);
    assert_eq!(
        (&ended["result"], &ended["labels"]["reason"]),
        (&json!("inconclusive"), &json!("exit_code"))
    );
}

#[test]
fn only_a_time_with_a_zone_is_one_and_no_sum_of_cases_is_a_duration() {
    let at = |stamp: &str| {
        let text =
            format!("<testsuite timestamp='{stamp}' time='2.5'><testcase time='9'/></testsuite>");
        one_of(&text, &suite("unit"))
    };
    assert_eq!(at("2026-06-10T09:00:00+02:00")["occurred_at"], "2026-06-10T07:00:02.5Z");
    assert_eq!(at("Wed, 10 Jun 2026 09:00:00 GMT")["occurred_at"], "2026-06-10T09:00:02.5Z");
    assert_eq!(at("2026-06-10 09:00:00 UTC")["occurred_at"], "2026-06-10T09:00:02.5Z");
    let local = at("2026-06-10T09:00:00.5");
    assert!(local.get("occurred_at").is_none());
    assert_eq!(local["labels"]["reported_timestamp"], "2026-06-10T09:00:00.5");
    assert!(at("0001-01-01T00:00:00Z").get("occurred_at").is_none());
    assert!(local.get("duration_s").is_none());
    let measured = Context { duration_s: Some(41.5), ..suite("smoke") };
    assert_eq!(one_of("<testsuite><testcase/></testsuite>", &measured)["duration_s"], 41.5);
}

#[test]
fn what_only_the_pipeline_knows_must_be_said() {
    let text = "<testsuite><testcase/></testsuite>";
    assert!(refusal_of(text, &super::given()).contains("--suite"));
    let wrong = Context { digest: Some(String::new()), ..suite("unit") };
    assert!(refusal_of(text, &wrong).contains("is not a digest"));
    let bare = Context { digest: None, ..suite("unit") };
    assert_eq!(one_of(text, &bare)["labels"]["subject"], "absent");
}

#[test]
fn other_reports_of_tests_are_refused_by_name() {
    for (text, name) in [
        ("<test-results/>", "NUnit"),
        ("<test-run/>", "NUnit"),
        ("<TestRun xmlns='urn:x'/>", "TRX"),
        ("<assemblies/>", "xUnit.net"),
        ("<coverage/>", "coverage"),
        ("<html/>", "no format"),
    ] {
        let message = refusal_of(text, &suite("unit"));
        assert!(message.contains(name), "{text}: {message}");
    }
}

#[test]
fn entities_are_never_expanded() {
    for text in [
        "<!DOCTYPE t [<!ENTITY a 'x'>]><testsuite name='&a;'><testcase/></testsuite>",
        "<!DOCTYPE t [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><testsuite>&a;</testsuite>",
        "<!DOCTYPE t [<!ENTITY % p SYSTEM 'http://127.0.0.1/x'> %p;]><testsuite/>",
        "<testsuite><testcase name='&unknown;'/></testsuite>",
        "<testsuite><system-out>&unknown;</system-out></testsuite>",
    ] {
        let message = refusal_of(text, &suite("unit"));
        assert!(message.contains("entities"), "{text}: {message}");
    }
    let plain = "<!DOCTYPE testsuite><testsuite name='a &lt; &#66; &quot;'><testcase/></testsuite>";
    let event = one_of(plain, &suite("unit"));
    assert_eq!(event["labels"]["report_name"], "a < B \"");
}

#[test]
fn xml_that_is_cut_off_or_wrong_is_refused() {
    let cut = ["<testsuite><testcase>", "<testsuite><testcase name='a", "<testsuite><!-- "];
    for text in cut {
        let message = refusal_of(text, &suite("unit"));
        assert!(message.contains("ends inside"), "{text}: {message}");
    }
    for text in [
        "<testsuite></testcase>",
        "<testsuite/><testsuite/>",
        "<testsuite/>trailing",
        "<testsuite a='1' a='2'/>",
        "<?xml version='1.0'?>",
    ] {
        let message = refusal_of(text, &suite("unit"));
        assert!(message.contains("not XML"), "{text}: {message}");
    }
    let deep = format!("{}{}", "<testsuite>".repeat(65), "</testsuite>".repeat(65));
    assert!(refusal_of(&deep, &suite("unit")).contains("deeper"));
}

#[test]
fn surefire_counts_every_run_of_a_case() {
    let of = |tests: u64, failures: u64| {
        let text = format!(
            "<testsuite tests='{tests}' failures='{failures}'><testcase name='a'><flakyFailure/>\
             <flakyFailure/></testcase></testsuite>"
        );
        one_of(&text, &suite("unit"))
    };
    // Once, and each of the three runs by itself.
    for (tests, failures) in [(1, 0), (3, 2)] {
        let event = of(tests, failures);
        assert_eq!((&event["result"], cases(&event)), (&json!("pass"), [0, 0, 0, 1]));
        assert_eq!(event["labels"]["count_check"], "equal");
    }
    for (tests, failures) in [(2, 0), (4, 2), (3, 3)] {
        assert_eq!(of(tests, failures)["labels"]["reason"], "count_differs", "{tests} {failures}");
    }
}
