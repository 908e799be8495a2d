import * as api from '../../../shared/api.ts';
import * as experiments from '../../../shared/experiment-api.ts';
import { experimentReport } from '../../../shared/experiment-report.ts';
import * as jobs from '../../../shared/jobs.ts';
import { manifest } from '../../../shared/manifest.ts';
import * as registry from '../../../shared/registry.ts';
import * as traffic from '../../../shared/traffic.ts';
import * as uploads from '../../../shared/uploads.ts';

// The schemas that validate, under the names the documentation has for them.

/** What bodies of requests are checked with. */
export const requestSchemas = {
  CreateKeyRequest: api.createKeyRequest,
  CreateUploadRequest: uploads.createUploadRequest,
  ModelDocument: registry.modelDocument,
  DatasetDocument: registry.registerRequests.datasets,
  BundleDocument: registry.bundleDocument,
  Manifest: manifest,
  SetAliasRequest: registry.setAliasRequest,
  SetTagsRequest: registry.setTagsRequest,
  SetCardRequest: registry.setCardRequest,
  SetEndpointRequest: api.setEndpointRequest,
  GcRequest: registry.gcRequest,
  ExperimentRequest: experiments.experimentRequest,
  DecideRequest: experiments.decideRequest,
  RollBackRequest: experiments.rollBackRequest,
  OutcomesRequest: experiments.outcomesRequest,
  MergeRequest: jobs.mergeRequest,
  PlanRequest: jobs.planRequest,
  ClaimRequest: jobs.claimRequest,
  HeartbeatRequest: jobs.heartbeatRequest,
  CheckpointRequest: jobs.checkpointRequest,
  CompleteRequest: jobs.completeRequest,
  FailRequest: jobs.failRequest,
} as const;
export type RequestName = keyof typeof requestSchemas;

/** What replies look like. */
export const replySchemas = {
  Error: api.errorBody,
  Key: api.keyView,
  CreatedKey: api.createdKey,
  KeyList: api.keyList,
  AuditList: api.auditList,
  Upload: uploads.uploadView,
  Part: uploads.partView,
  Blob: api.blobView,
  Item: registry.itemView,
  ItemList: registry.itemList,
  RegisteredVersion: registry.registeredVersion,
  Version: registry.versionView,
  VersionList: registry.versionList,
  Lineage: registry.lineageView,
  VersionInspection: registry.inspectionView,
  Alias: registry.aliasView,
  AliasHistory: registry.aliasHistory,
  Bundle: api.bundleView,
  Endpoint: api.endpointView,
  EndpointList: api.endpointList,
  EndpointDetail: api.endpointDetail,
  EndpointTraffic: traffic.endpointTraffic,
  TrafficList: traffic.trafficList,
  GcReply: registry.gcReply,
  Experiment: experiments.experimentView,
  ExperimentList: experiments.experimentList,
  ExperimentDetail: experiments.experimentDetail,
  ExperimentReport: experimentReport,
  Evaluation: experiments.evaluationView,
  OutcomesReply: experiments.outcomesReply,
  ReplayReply: experiments.replayReply,
  Job: jobs.jobView,
  JobList: jobs.jobList,
  JobEvent: jobs.jobEvent,
  JobLog: jobs.jobLog,
  RunnerList: jobs.runnerList,
  ClaimReply: jobs.claimReply,
  HeartbeatReply: jobs.heartbeatReply,
} as const;
export type ReplyName = keyof typeof replySchemas;
