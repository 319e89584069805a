/** What is used of kafkajs's internal cluster and broker. */
export interface ClusterInternals {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  findGroupCoordinator(input: { groupId: string }): Promise<{
    describeGroups(input: { groupIds: string[] }): Promise<{
      groups: { state: string; members: { memberId: string; clientId: string }[] }[];
    }>;
    leaveGroup(input: { groupId: string; memberId: string }): Promise<unknown>;
  }>;
}
