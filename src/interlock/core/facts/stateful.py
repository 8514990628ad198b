"""Which kinds of resource hold state that going back does not bring back.

Rules:
1. A type is stateful when its provider's documentation says that destroying it destroys what is stored in it,
   or a key, an address or a name that others hold and that cannot be had again.
2. A type that is not in the table may be stateful too: replacing or destroying it is a loss all the same, only
   not marked as one of stored state. Deciding by this table alone would trust a list to be complete.

Source: the resource pages of the providers ``hashicorp/aws`` 6, ``hashicorp/google`` 7, ``hashicorp/azurerm`` 4
and ``hashicorp/kubernetes`` 2, and the Kubernetes API reference 1.31.
"""

from __future__ import annotations

_AWS = """
aws_backup_vault aws_cognito_user_pool aws_db_cluster_snapshot aws_db_instance aws_db_snapshot
aws_docdb_cluster aws_docdb_cluster_instance aws_dynamodb_global_table aws_dynamodb_table aws_ebs_snapshot
aws_ebs_volume aws_ecr_repository aws_efs_file_system aws_eip aws_elasticache_cluster
aws_elasticache_replication_group aws_elasticache_serverless_cache aws_elasticsearch_domain
aws_fsx_lustre_file_system aws_fsx_ontap_file_system aws_fsx_openzfs_file_system aws_fsx_windows_file_system
aws_glacier_vault aws_instance aws_iot_thing aws_keyspaces_table aws_kinesis_stream aws_kms_external_key
aws_kms_key aws_kms_replica_key aws_cloudwatch_log_group aws_lightsail_database aws_memorydb_cluster
aws_mq_broker aws_msk_cluster aws_msk_serverless_cluster aws_neptune_cluster aws_opensearch_domain
aws_opensearchserverless_collection aws_qldb_ledger aws_rds_cluster aws_rds_cluster_instance
aws_rds_global_cluster aws_redshift_cluster aws_redshiftserverless_namespace aws_route53_zone aws_s3_bucket
aws_s3_directory_bucket aws_s3_object aws_s3tables_table_bucket aws_secretsmanager_secret aws_sqs_queue
aws_sns_topic aws_ssm_parameter aws_timestreamwrite_database aws_timestreamwrite_table
"""
_GOOGLE = """
google_alloydb_cluster google_alloydb_instance google_artifact_registry_repository google_bigquery_dataset
google_bigquery_table google_bigtable_instance google_bigtable_table google_compute_address
google_compute_disk google_compute_global_address google_compute_instance google_compute_region_disk
google_compute_snapshot google_container_cluster google_dns_managed_zone google_filestore_instance
google_firestore_database google_kms_crypto_key google_kms_key_ring google_logging_project_bucket_config
google_memcache_instance google_project google_pubsub_subscription google_pubsub_topic google_redis_cluster
google_redis_instance google_secret_manager_secret google_spanner_database google_spanner_instance
google_sql_database google_sql_database_instance google_storage_bucket google_storage_bucket_object
"""
_AZURE = """
azurerm_app_configuration azurerm_container_registry azurerm_cosmosdb_account
azurerm_cosmosdb_cassandra_keyspace azurerm_cosmosdb_gremlin_database azurerm_cosmosdb_mongo_database
azurerm_cosmosdb_sql_container azurerm_cosmosdb_sql_database azurerm_data_lake_store azurerm_dns_zone
azurerm_eventhub azurerm_eventhub_namespace azurerm_key_vault azurerm_key_vault_key azurerm_key_vault_secret
azurerm_kusto_cluster azurerm_linux_virtual_machine azurerm_log_analytics_workspace azurerm_managed_disk
azurerm_managed_redis azurerm_mariadb_server azurerm_mssql_database azurerm_mssql_managed_instance
azurerm_mssql_server azurerm_mysql_flexible_database azurerm_mysql_flexible_server azurerm_netapp_volume
azurerm_postgresql_flexible_server azurerm_postgresql_flexible_server_database azurerm_postgresql_server
azurerm_public_ip azurerm_recovery_services_vault azurerm_redis_cache azurerm_resource_group
azurerm_servicebus_namespace azurerm_servicebus_queue azurerm_servicebus_topic azurerm_snapshot
azurerm_storage_account azurerm_storage_blob azurerm_storage_container azurerm_storage_queue
azurerm_storage_share azurerm_storage_table azurerm_synapse_workspace azurerm_virtual_machine
azurerm_windows_virtual_machine
"""
_OTHERS = """
cloudflare_d1_database cloudflare_r2_bucket cloudflare_workers_kv_namespace cloudflare_zone
digitalocean_database_cluster digitalocean_database_db digitalocean_droplet digitalocean_spaces_bucket
digitalocean_volume github_repository hcloud_server hcloud_volume helm_release kubernetes_namespace
kubernetes_namespace_v1 kubernetes_persistent_volume kubernetes_persistent_volume_claim
kubernetes_persistent_volume_claim_v1 kubernetes_persistent_volume_v1 kubernetes_secret kubernetes_secret_v1
kubernetes_stateful_set kubernetes_stateful_set_v1 mongodbatlas_advanced_cluster mongodbatlas_cluster
mysql_database openstack_blockstorage_volume_v3 openstack_objectstorage_container_v1 postgresql_database
postgresql_schema random_id random_password random_string snowflake_database snowflake_schema snowflake_table
tls_private_key vault_mount
"""
STATEFUL_TYPES = frozenset(f"{_AWS}{_GOOGLE}{_AZURE}{_OTHERS}".split())

STATEFUL_KINDS = frozenset(
    {
        "Certificate",
        "Cluster",
        "CustomResourceDefinition",
        "Namespace",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Secret",
        "StatefulSet",
        "StorageClass",
        "VolumeSnapshot",
        "VolumeSnapshotContent",
    }
)
"""Kinds of Kubernetes objects whose deletion takes stored state with it; a definition takes all its objects."""
