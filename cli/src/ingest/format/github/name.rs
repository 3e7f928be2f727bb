//! Which event a body is of, where it can be of one only (ingest.md 2, row 17).

use serde_json::Value;

/// Returns the event's name; `None` when the body does not settle it.
pub(super) fn of_body(json: &Value) -> Option<&'static str> {
    let has = |key: &str| json.get(key).is_some_and(|value| !value.is_null());
    let all = |keys: &[&str]| keys.iter().all(|key| has(key));
    let none = |keys: &[&str]| !keys.iter().any(|key| has(key));
    let action = json.get("action").and_then(Value::as_str).unwrap_or_default();
    let signs: [(&'static str, bool); 19] = [
        ("deployment_status", all(&["deployment_status", "deployment"])),
        ("pull_request_review", all(&["review", "pull_request", "action"])),
        (
            "deployment_review",
            all(&["workflow_run", "since"])
                && matches!(action, "approved" | "rejected" | "requested"),
        ),
        ("workflow_job", all(&["workflow_job", "action"])),
        (
            "workflow_run",
            all(&["workflow_run", "workflow", "action"]) && none(&["deployment", "check_run"]),
        ),
        (
            "deployment",
            action == "created"
                && has("deployment")
                && none(&["deployment_callback_url", "check_suite"]),
        ),
        ("check_run", all(&["check_run", "action"]) && none(&["deployment"])),
        ("check_suite", all(&["check_suite", "action"]) && none(&["check_run"])),
        ("release", all(&["release", "action"])),
        ("registry_package", all(&["registry_package", "action"])),
        ("package", all(&["package", "action"])),
        (
            "pull_request",
            all(&["pull_request", "number", "action"]) && none(&["review", "comment", "thread"]),
        ),
        ("push", all(&["ref", "before", "after"]) && none(&["action"])),
        ("create", all(&["ref", "ref_type", "pusher_type", "master_branch"])),
        ("delete", all(&["ref", "ref_type", "pusher_type"]) && none(&["master_branch", "action"])),
        ("status", all(&["sha", "state", "context"]) && none(&["action"])),
        ("ping", all(&["zen", "hook_id"])),
        ("workflow_dispatch", all(&["workflow", "ref", "sender"]) && none(&["action", "before"])),
        ("repository_dispatch", all(&["branch", "client_payload", "action"])),
    ];
    signs.iter().find(|(_, fits)| *fits).map(|(name, _)| *name)
}
