"""Tests that describe what shall be and is not yet: expected to fail, strictly, until the code is mended.

A pattern is searched in the test's name with its parameters. Once a defect is mended its tests pass, which strict
expectation reports as a failure: delete the entry then. An empty list is the aim.
"""

from __future__ import annotations

#: (pattern of test names, what is wrong)
KNOWN_DEFECTS: tuple[tuple[str, str], ...] = (
    (
        r"test_a_threshold_of_one_is_passed_by_a_certain_guess|test_a_fused_probability_never_exceeds_one",
        "ledger: fused p = p * exp(boost - log1p(gain)) rounds above 1, or below 1 where it is exactly 1",
    ),
    (
        r"test_large_logits_keep_their_precision|test_sparse_credit_is_the_dense_rule_for_extreme_logits_and_knobs",
        "predictions: p = exp(x - (max + log sum)) loses the digits of a large max; exp(x - max) / sum does not",
    ),
    (
        r"test_a_model_that_knows_only_the_mask_still_gets_a_text",
        "predictions.best_committable: argmax over only -inf gives id 0, also where 0 is the mask",
    ),
    (
        r"test_the_mask_given_to_a_decoder_is_not_changed_behind_its_back",
        "loop: on a CPU the tensor `masked` shares memory with the lane's array, which the write then changes",
    ),
    (
        r"test_an_absurd_length_is_refused_at_once",
        "loop: the divisors of gen_length are counted one by one (and all listed) before the room is checked",
    ),
    (r"test_a_number_too_large_for_any_float_is_refused", "settings: math.isfinite(10**400) raises OverflowError"),
    (
        r"test_numbers_of_numpy_are_numbers\[value[12]\]",
        "settings: np.float32 and np.int64 are called 'not a finite number'",
    ),
    (
        r"test_prompt_ids_that_are_no_whole_numbers_are_refused",
        "run: int() of each prompt id leaks ValueError and TypeError, cuts 1.5 to 1 and reads '12' as two ids",
    ),
    (
        r"test_a_missing_field_is_named\[null-|test_a_value_that_makes_no_sense_is_refused"
        r"|test_a_config_that_makes_no_sense",
        "llada.translate_config: null, mistyped and impossible sizes leak the config class's own errors",
    ),
    (
        r"test_a_field_whose_published_default_is_unproven_must_be_there",
        "llada.translate_config: an absent field passes although its published default is refused when written out",
    ),
    (
        r"test_a_wrongly_shaped_key_is_named|test_a_config_of_another_size_than_the_weights",
        "loading: a wrongly shaped weight is refused with 'look at the above report', which is silenced; no key named",
    ),
    (
        r"test_a_bad_index\[(\[\]|3|\{\"weight_map\": \[\]\}|\{\"weight_map\": null\})\]",
        "loading: an index that is no object, or without a weight map, leaks TypeError or AttributeError",
    ),
    (r"test_a_tokenizer_that_is_none_is_named", "loading: the tokenizer library's plain Exception leaks"),
    (
        r"test_architectures_of_the_wrong_type\[(3|value3)\]",
        "families: architectures that are no list of names leak TypeError",
    ),
    (
        r"test_the_(mask_id|end_token)_may_come_from_the_tokenizer\[null\]",
        "loading: null in config.json hides the tokenizer's mask and end-of-text ids",
    ),
    (
        r"test_a_mask_id_outside_the_vocabulary_is_refused|test_an_end_token_outside_the_vocabulary_is_refused",
        "loading: special ids outside the vocabulary, or of another type, are accepted or leak TypeError",
    ),
    (
        r"test_a_(run|describing)_field_of_the_wrong_type\[(?!.*-top_k)",
        "RunInfo.from_json: types of most fields are not checked; a text as gen_length even leaks TypeError",
    ),
    (
        r"test_an_array_of_another_shape_or_type\[(nan-cell_counts|flat-cell_counts|flat-event_steps)\]"
        r"|test_a_wrong_shape_is_refused\[(cell_counts|event_steps)\]",
        "record: cell_counts and event_steps are used (len, int(sum)) before their shape and dtype are checked",
    ),
    (
        r"test_damaged_channels\[channels[012]\]|test_a_damaged_header\[\[\[|test_a_damaged_header\[text8\]"
        r"|test_bfloat16_arrays_are_refused",
        "files: unhashable or non-text channel names, deep nesting and bfloat16 arrays leak TypeError, RecursionError",
    ),
    (
        r"test_events_that_go_back_in_time_are_refused|test_a_position_recorded_twice_in_a_step_is_refused"
        r"|test_blocks_outside_the_canvas_are_refused|test_counts_that_do_not_fit\[counts1\]"
        r"|test_trace_record.*test_ids_outside_the_vocabulary_are_refused",
        "record: order of events, doubled cells, block bounds and ranges of token ids are not checked",
    ),
    (
        r"test_an_empty_path_is_a_trace_error|test_a_failed_save_leaves_nothing_behind",
        "files.save_trace: an empty path leaks ValueError; a failed save leaves the .partial file behind",
    ),
    (r"test_csv_comes_back", "files.write_csv: a lone carriage return is not quoted and breaks the row in two"),
    (
        r"test_texts_that_no_encoder_takes_are_written_or_refused\[.*lone",
        "files: a lone surrogate in a token's text leaks UnicodeEncodeError from to_frame",
    ),
    (r"test_records_of_another_width_are_refused", "build: records of another width leak ValueError from concatenate"),
    (
        r"test_traces_can_be_compared_and_used_as_keys",
        "record: the generated == and hash of a dataclass of arrays always raise; eq=False would compare identity",
    ),
    (r"test_transformers_only_in_models", "bench imports transformers for its version; importlib.metadata has it"),
)
