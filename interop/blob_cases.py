"""Cases of Blob Storage: each is a few requests of azure-storage-blob. test_blob_semantics.py compares what two servers
answer to them. Those of who may do what are in blob_access_cases.py.
"""

import base64
import datetime as dt

from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, ContentSettings, StandardBlobTier

CASES = {}
OLD = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
NEW = dt.datetime(2101, 1, 1, tzinfo=dt.UTC)
TEN = b"0123456789"


def case(function):
    """Adds a case. Its name is the function's."""
    name = function.__name__.replace("_", " ")
    assert name not in CASES
    CASES[name] = function
    return function


def block(number, width=6):
    """An id. The SDK sends it in base64."""
    return f"{number:0{width}}"


# --- containers


@case
def a_container_is_made_twice_and_removed_twice(on):
    on.do(on.container.create_container)
    on.do(on.container.create_container)
    on.do(on.container.exists)
    on.do(on.container.delete_container)
    on.do(on.container.delete_container)
    on.do(on.container.exists)


@case
def a_container_is_not_there(on):
    on.do(on.container.get_container_properties)
    on.do(on.container.set_container_metadata, {"a": "1"})
    on.do(on.container.list_blobs)
    on.do(on.container.upload_blob, "b", TEN)
    on.do(on.container.download_blob, "b")
    on.do(on.container.delete_blob, "b")
    on.do(on.container.get_blob_client("b").stage_block, block(1), TEN)
    on.do(on.container.get_blob_client("b").get_blob_properties)


@case
def a_container_has_metadata(on):
    on.do(on.container.create_container, metadata={"Color": "blue", "empty": "x"})
    on.do(on.container.get_container_properties)
    on.do(on.container.set_container_metadata, {"shape": "Round"})
    on.do(on.container.get_container_properties)
    on.do(on.container.set_container_metadata, {})
    on.do(on.container.get_container_properties)


@case
def a_container_has_conditions(on):
    container = on.make()
    on.do(container.get_container_properties)
    on.do(container.set_container_metadata, {"a": "1"}, if_modified_since=NEW)
    on.do(container.set_container_metadata, {"a": "1"}, if_modified_since=OLD)
    on.do(container.delete_container, if_unmodified_since=OLD)
    on.do(container.delete_container, if_modified_since=NEW)
    on.do(container.delete_container, if_unmodified_since=NEW)


@case
def a_containers_name_is_wrong(on):
    for name in ("Ab", "a", "under_score", "two--dashes", "ends-", "a" * 64):
        on.do(on.service.create_container, name)


@case
def containers_are_listed(on):
    for end in "abc":
        on.service.create_container(f"{on.name}{end}", metadata={"end": end})
    on.do(on.service.list_containers, name_starts_with=on.name)
    on.do(on.service.list_containers, name_starts_with=on.name, include_metadata=True)
    on.do(on.service.list_containers, name_starts_with=on.name, results_per_page=2)
    on.do(on.service.list_containers, name_starts_with=f"{on.name}-none")
    for end in "abc":
        on.service.delete_container(f"{on.name}{end}")


# --- blobs


@case
def a_blob_is_put_got_and_removed(on):
    container = on.make()
    blob = container.get_blob_client("b.txt")
    on.do(blob.upload_blob, TEN)
    on.do(blob.exists)
    on.do(blob.get_blob_properties)
    on.do(blob.download_blob)
    on.do(blob.delete_blob)
    on.do(blob.delete_blob)
    on.do(blob.exists)
    on.do(blob.download_blob)
    on.do(blob.get_blob_properties)


@case
def a_blob_is_overwritten(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.upload_blob, TEN, metadata={"a": "1"})
    on.do(blob.upload_blob, b"new")
    on.do(blob.upload_blob, b"new", overwrite=True)
    on.do(blob.get_blob_properties)
    on.do(blob.download_blob)


@case
def a_blob_is_empty(on):
    blob = on.make().get_blob_client("empty")
    on.do(blob.upload_blob, b"")
    on.do(blob.get_blob_properties)
    on.do(blob.download_blob)
    on.do(blob.download_blob, 0, 5)


@case
def a_range_is_read(on):
    blob = on.make().get_blob_client("b")
    blob.upload_blob(TEN)
    for offset, length in ((0, 1), (0, 10), (0, 11), (3, 4), (9, 1), (9, 100), (5, None), (10, 1), (11, 5)):
        on.do(blob.download_blob, offset, length)


@case
def a_range_is_read_with_its_hash(on):
    blob = on.make().get_blob_client("b")
    blob.upload_blob(TEN)
    on.do(blob.download_blob, 2, 3, validate_content=True)
    on.do(blob.download_blob, validate_content=True)


@case
def a_range_is_asked_in_another_form(on):
    blob = on.make().get_blob_client("b")
    blob.upload_blob(TEN)
    for form in ("bytes=2-", "bytes=2-4", "bytes=4-2"):
        on.do(on.get, blob.url, headers={"x-ms-range": form})


@case
def a_blob_is_put_if_it_is_not_there(on):
    blob = on.make().get_blob_client("b")
    missing = {"match_condition": MatchConditions.IfMissing}
    on.do(blob.upload_blob, TEN, **missing)
    on.do(blob.upload_blob, TEN, overwrite=True, **missing)
    on.do(blob.upload_blob, TEN, overwrite=True, match_condition=MatchConditions.IfPresent)
    on.do(blob.delete_blob)
    on.do(blob.upload_blob, TEN, overwrite=True, match_condition=MatchConditions.IfPresent)


@case
def a_blob_has_an_etag_as_condition(on):
    blob = on.make().get_blob_client("b")
    old = blob.upload_blob(TEN)["etag"]
    new = blob.upload_blob(TEN, overwrite=True)["etag"]
    for etag in (old, new):
        for condition in (MatchConditions.IfNotModified, MatchConditions.IfModified):
            asked = {"etag": etag, "match_condition": condition}
            on.do(blob.get_blob_properties, **asked)
            on.do(blob.download_blob, **asked)
            on.do(blob.set_blob_metadata, {"a": "1"}, **asked)
            new = blob.get_blob_properties().etag
    on.do(blob.upload_blob, b"x", overwrite=True, etag=old, match_condition=MatchConditions.IfNotModified)
    on.do(blob.delete_blob, etag=old, match_condition=MatchConditions.IfNotModified)
    on.do(blob.delete_blob, etag=new, match_condition=MatchConditions.IfNotModified)


@case
def a_blob_has_a_date_as_condition(on):
    blob = on.make().get_blob_client("b")
    blob.upload_blob(TEN)
    for date in (OLD, NEW):
        for name in ("if_modified_since", "if_unmodified_since"):
            on.do(blob.get_blob_properties, **{name: date})
            on.do(blob.download_blob, **{name: date})
            on.do(blob.set_blob_metadata, {"a": "1"}, **{name: date})
            on.do(blob.upload_blob, TEN, overwrite=True, **{name: date})


@case
def a_missing_blob_has_a_condition(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.download_blob, if_modified_since=OLD)
    on.do(blob.delete_blob, if_unmodified_since=OLD)


@case
def a_blob_has_metadata(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.upload_blob, TEN, metadata={"Color": "Blue", "under_score": "1"})
    on.do(blob.get_blob_properties)
    on.do(blob.download_blob)
    on.do(blob.set_blob_metadata, {"shape": "a b"})
    on.do(blob.get_blob_properties)
    on.do(blob.set_blob_metadata)
    on.do(blob.get_blob_properties)
    on.do(blob.set_blob_metadata, {"not-a-name": "1"})
    on.do(blob.set_blob_metadata, {"1digit": "1"})


@case
def a_missing_blob_has_no_metadata(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.set_blob_metadata, {"a": "1"})
    on.do(blob.set_http_headers, ContentSettings(content_type="text/plain"))
    on.do(blob.set_standard_blob_tier, StandardBlobTier.COOL)


@case
def a_blob_has_content_settings(on):
    blob = on.make().get_blob_client("b")
    settings = ContentSettings("text/plain", "gzip", "de", "attachment", "no-cache")
    on.do(blob.upload_blob, TEN, content_settings=settings)
    on.do(blob.get_blob_properties)
    on.do(blob.set_http_headers, ContentSettings(content_type="text/html"))
    on.do(blob.get_blob_properties)
    on.do(blob.set_http_headers)
    on.do(blob.get_blob_properties)


@case
def a_blobs_hash_is_checked(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.upload_blob, TEN, validate_content=True)
    on.do(
        blob.upload_blob, TEN, overwrite=True, headers={"Content-MD5": base64.b64encode(b"0" * 16).decode()}
    )
    on.do(blob.upload_blob, TEN, overwrite=True, headers={"Content-MD5": "no hash"})
    on.do(blob.download_blob)


@case
def a_blob_has_a_tier(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.upload_blob, TEN, standard_blob_tier=StandardBlobTier.COOL)
    on.do(blob.get_blob_properties)
    on.do(blob.set_standard_blob_tier, StandardBlobTier.HOT)
    on.do(blob.get_blob_properties)


NAMES = (
    *("with space", "ümlaut/日本語", "100%", "a%20b", "what?", "a#b", "a+b", "a&b=c", "(brackets)[x]"),
    *("trailing.", "trailing./b", "folder/", "a//b", ".hidden", "UPPER", "it's", 'quo"te', "back\\slash"),
    *("x" * 1024, "tilde~", "semi;colon", "a:b", "@", "$", "*", "a|b", "<a>", "^"),
)


@case
def blobs_have_unusual_names(on):
    container = on.make()
    for name in NAMES:
        on.do(container.upload_blob, name, name.encode())
        on.do(container.download_blob, name)
    on.do(container.list_blobs)


@case
def names_differ_by_case(on):
    container = on.make()
    container.upload_blob("a", b"small")
    on.do(container.upload_blob, "A", b"large")
    on.do(container.download_blob, "a")
    on.do(container.list_blobs)


@case
def a_blobs_name_is_too_long(on):
    on.do(on.make().upload_blob, "x" * 1025, TEN)


# --- blocks


@case
def blocks_are_staged_and_committed(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.get_block_list, "all")
    on.do(blob.stage_block, block(1), b"one,")
    on.do(blob.stage_block, block(2), b"two,")
    on.do(blob.get_block_list, "all")
    on.do(blob.get_block_list, "committed")
    on.do(blob.get_blob_properties)
    on.do(blob.commit_block_list, [BlobBlock(block(2)), BlobBlock(block(1))])
    on.do(blob.get_block_list, "all")
    on.do(blob.get_blob_properties)
    on.do(blob.download_blob)


@case
def a_part_of_the_blocks_is_committed(on):
    blob = on.make().get_blob_client("b")
    for number in (1, 2, 3):
        blob.stage_block(block(number), f"{number}".encode())
    on.do(blob.commit_block_list, [BlobBlock(block(1)), BlobBlock(block(1)), BlobBlock(block(3))])
    on.do(blob.get_block_list, "all")
    on.do(blob.download_blob)
    on.do(blob.commit_block_list, [BlobBlock(block(2))])
    on.do(blob.stage_block, block(4), b"4")
    on.do(blob.get_block_list, "all")
    on.do(blob.commit_block_list, [BlobBlock(block(3)), BlobBlock(block(4))])
    on.do(blob.download_blob)


@case
def a_staged_block_is_replaced(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.stage_block, block(1), b"old")
    on.do(blob.stage_block, block(1), b"newer")
    on.do(blob.get_block_list, "uncommitted")
    on.do(blob.commit_block_list, [BlobBlock(block(1))])
    on.do(blob.download_blob)


@case
def blocks_of_both_kinds_are_chosen(on):
    from azure.storage.blob import BlockState

    blob = on.make().get_blob_client("b")
    blob.stage_block(block(1), b"committed")
    blob.commit_block_list([BlobBlock(block(1))])
    blob.stage_block(block(1), b"staged")
    on.do(blob.commit_block_list, [BlobBlock(block(1), BlockState.COMMITTED)])
    on.do(blob.download_blob)
    blob.stage_block(block(1), b"staged")
    on.do(blob.commit_block_list, [BlobBlock(block(1), BlockState.UNCOMMITTED)])
    on.do(blob.download_blob)
    on.do(blob.commit_block_list, [BlobBlock(block(1), BlockState.UNCOMMITTED)])


@case
def a_block_is_unknown(on):
    blob = on.make().get_blob_client("b")
    blob.stage_block(block(1), b"one")
    on.do(blob.commit_block_list, [BlobBlock(block(1)), BlobBlock(block(9))])
    on.do(blob.exists)


@case
def a_blocks_id_is_wrong(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.stage_block, block(1, 64), TEN)
    on.do(blob.stage_block, block(1, 65), TEN)
    on.do(on.put, f"{blob.url}?comp=block&blockid=%21%21", TEN)
    on.do(on.put, f"{blob.url}?comp=block", TEN)


@case
def blocks_have_ids_of_different_lengths(on):
    blob = on.make().get_blob_client("b")
    blob.stage_block(block(1), TEN)
    on.do(blob.stage_block, block(1, 12), TEN)


@case
def a_block_list_has_settings_and_conditions(on):
    blob = on.make().get_blob_client("b")
    blob.stage_block(block(1), b"one")
    settings = ContentSettings(content_type="text/plain", content_md5=bytearray(b"0" * 16))
    on.do(blob.commit_block_list, [BlobBlock(block(1))], content_settings=settings, metadata={"a": "1"})
    on.do(blob.get_blob_properties)
    on.do(blob.commit_block_list, [BlobBlock(block(1))], match_condition=MatchConditions.IfMissing)
    on.do(blob.commit_block_list, [])
    on.do(blob.get_blob_properties)


@case
def a_put_blob_ends_staged_blocks(on):
    blob = on.make().get_blob_client("b")
    blob.stage_block(block(1), b"one")
    on.do(blob.upload_blob, b"whole")
    on.do(blob.get_block_list, "all")
    on.do(blob.commit_block_list, [BlobBlock(block(1))])


@case
def a_large_upload_is_made_of_blocks(on):
    container = on.container_as(on.server.key, max_single_put_size=1024, max_block_size=1024)
    on.make()
    on.do(container.upload_blob, "b", bytes(range(256)) * 10)
    on.do(container.get_blob_client("b").get_block_list)
    on.do(container.download_blob, "b")


# --- lists


FILES = ("a/1", "a/2", "a/deep/3", "b", "c/4", "ü/5")


def with_files(on):
    container = on.make()
    for name in FILES:
        container.upload_blob(name, name.encode(), metadata={"name": "x"} if name == "b" else None)
    container.get_blob_client("staged").stage_block(block(1), TEN)
    return container


@case
def blobs_are_listed(on):
    container = with_files(on)
    on.do(container.list_blobs)
    on.do(container.list_blobs, name_starts_with="a/")
    on.do(container.list_blobs, name_starts_with="none")
    on.do(container.list_blobs, include=["metadata"])
    on.do(container.list_blobs, include=["uncommittedblobs"])
    on.do(container.list_blobs, include=["metadata", "uncommittedblobs", "snapshots", "copy", "deleted"])
    on.do(container.list_blob_names)


@case
def blobs_are_listed_in_pages(on):
    container = with_files(on)
    for size in (1, 2, 5, 6, 7, 5000):
        on.do(container.list_blobs, results_per_page=size)
    on.do(container.list_blobs, name_starts_with="a/", results_per_page=2)
    on.do(on.get, f"{container.url}?restype=container&comp=list&maxresults=0")
    on.do(on.get, f"{container.url}?restype=container&comp=list&maxresults=x")


@case
def blobs_are_listed_by_folders(on):
    container = with_files(on)
    on.do(container.walk_blobs)
    on.do(container.walk_blobs, name_starts_with="a/")
    on.do(container.walk_blobs, name_starts_with="a")
    on.do(container.walk_blobs, delimiter="e")
    on.do(container.walk_blobs, results_per_page=2)


# --- copies, appended blobs, the account


@case
def a_blob_is_copied(on):
    container = on.make()
    source = container.get_blob_client("source")
    source.upload_blob(TEN, metadata={"a": "1"}, content_settings=ContentSettings(content_type="text/plain"))
    copy = container.get_blob_client("copy")
    on.do(copy.start_copy_from_url, source.url)
    on.do(copy.get_blob_properties)
    on.do(copy.download_blob)
    on.do(copy.start_copy_from_url, source.url, metadata={"b": "2"})
    on.do(copy.get_blob_properties)
    on.do(copy.start_copy_from_url, f"{source.url}-none")


@case
def a_blob_is_appended_to(on):
    blob = on.make().get_blob_client("b")
    on.do(blob.create_append_blob)
    on.do(blob.append_block, b"one,")
    on.do(blob.append_block, b"two", appendpos_condition=4)
    on.do(blob.append_block, b"x", appendpos_condition=4)
    on.do(blob.get_blob_properties)
    on.do(blob.download_blob)
    on.do(blob.stage_block, block(1), TEN)


@case
def a_service_is_described(on):
    on.do(on.service.get_account_information)
    on.do(on.make().get_account_information)


@case
def a_blobs_type_is_wrong_or_missing(on):
    container = on.make()
    on.do(on.put, f"{container.url}/b", TEN, headers={"x-ms-blob-type": "NoBlob"})
    on.do(on.put, f"{container.url}/b", TEN)
