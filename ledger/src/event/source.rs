//! Events from the source repository: commits, branches, tags.

use super::field::Name;
use super::prose::Prose;

event! {
    /// A branch was cut.
    "branch.created" BranchCreated of_component {
        /// The branch.
        required branch: Name,
        /// The commit that it starts from.
        required base_commit: Name,
    }
}

event! {
    /// A commit reached a branch. The parents make ancestry, which alone decides containment.
    "commit.merged" CommitMerged of_component {
        /// The commit.
        required commit: Name,
        /// Its parents; empty for a root.
        required parents: Vec<Name>,
        /// The branch that it reached.
        required branch: Name,
        /// Who wrote it.
        required author: Name,
        /// Who reviewed it.
        optional reviewers: Vec<Name>,
        /// The first line of its message.
        required subject: Prose,
        /// The rest of its message.
        optional body: Prose,
        /// The pull request.
        optional pr: u64,
        /// The commit that it was picked from.
        optional cherry_picked_from: Name,
        /// The hotfix that it belongs to.
        optional hotfix_id: Name,
        /// False for a commit that is here for ancestry only: it lies outside the component's path.
        optional touches_component: bool,
        /// Of a merge: the parents that have the component's path just as it is here.
        optional unchanged_from: Vec<Name>,
    }
}

event! {
    /// A tag was made.
    "tag.created" TagCreated of_component {
        /// The tag, with its prefix.
        required tag: Name,
        /// The version that it names, without the prefix.
        optional version: Name,
        /// The commit that it points to.
        required commit: Name,
        /// The commit that it pointed to before.
        optional previous_commit: Name,
        /// Who signed the tag object.
        optional signed_by: Name,
    }
}

event! {
    /// A tag now points to another commit.
    "tag.moved" TagMoved of_component {
        /// The tag, with its prefix.
        required tag: Name,
        /// The version that it names, without the prefix.
        optional version: Name,
        /// The commit that it points to.
        required commit: Name,
        /// The commit that it pointed to before.
        optional previous_commit: Name,
        /// Who signed the tag object.
        optional signed_by: Name,
    }
}
